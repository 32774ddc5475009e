"""What `train` writes: what it left out, every answer, a row a step, and what a clock said."""

from __future__ import annotations

import dataframely as dy

FINISH_REASONS = ["stop", "length"]
PROMPT_TOO_LONG = ["student_prompt_too_long", "teacher_prompt_too_long"]
PICTURE_REFUSED = ["student_picture_refused", "teacher_picture_refused"]
LEFT_OUT = ["no_region", "no_answer", "open_question", *PICTURE_REFUSED, *PROMPT_TOO_LONG]
SCORED: dict[str, dy.Column] = {
    "model": dy.Enum(["student", "teacher", "reference", "sampler"], nullable=False),
    "view": dy.String(nullable=False),  # full, positive, negative, ...
    "values": dy.List(dy.Float32(nullable=False), nullable=False),
}
PHASES = ("rollout", "replay", "update")  # of a step


class LeftOut(dy.Schema):
    """One row a training sample that `train` left out before its first step. Nothing is dropped silently."""

    sample_id = dy.String(primary_key=True)
    # The first that holds. no_region: of methods that show crops. no_answer, open_question (no options): of
    # methods that reward the right letter. picture_refused: that model's image processor takes none of the
    # image's or a crop's shape. prompt_too_long: train.max_prompt_tokens, train.max_teacher_tokens.
    code = dy.Enum(LEFT_OUT, nullable=False)
    detail = dy.String(nullable=False)


class Rollouts(dy.Schema):
    """Every sampled answer with what the models said of it. Written by `train` as it goes.

    Log-probs are of the whole vocabulary, at the temperature of `params.train.method.logprob_temperature`.
    """

    step = dy.Int32(primary_key=True)
    sample_id = dy.String(primary_key=True)
    member = dy.Int32(primary_key=True)  # position in the group
    token_ids = dy.List(dy.Int32(nullable=False), nullable=False, min_length=1)
    text = dy.String(nullable=False)
    finish_reason = dy.Enum(FINISH_REASONS, nullable=False)
    # Of the tokens, by who scored them and under which view; the writer's own first, which are our replay's
    # where a server (sampler) wrote for it; its own are at temperature 1. Of several views of a role, values
    # are the mean. `vzero.rollout.table` reads them.
    logprobs = dy.List(dy.Struct(SCORED, nullable=False), nullable=False)
    counted = dy.Bool(nullable=False)  # false: enters no loss and no statistic
    weight = dy.Float32(nullable=False)  # scales what is learnt of the answer
    # Null where the method has none.
    evidence_score = dy.Float32(nullable=True)  # length-mean of the gated token gaps, or the reward
    advantage = dy.Float32(nullable=True)  # z-score within the group
    reward = dy.Float32(nullable=True)  # 1 for a right answer, else 0; of a question what it earned
    # Of a written question: what became of it (a fault of vzero.answers.questions, a reason of
    # vzero.voting.fate, or not_asked), and, where it was asked, whether the quick answer is the votes' label,
    # the share of the label's votes, and what repeats took off the reward.
    status = dy.String(nullable=True)
    agree = dy.Bool(nullable=True)
    confidence = dy.Float32(nullable=True)
    penalty = dy.Float32(nullable=True)


class TrainLog(dy.Schema):
    """One row a step, of the rollouts that are counted; null: the method has none. Written by `train`."""

    step = dy.Int32(primary_key=True)
    loss = dy.Float32(nullable=False)
    learning_rate = dy.Float32(nullable=False)
    grad_norm = dy.Float32(nullable=False)
    skipped_updates = dy.Int32(nullable=False)  # non-finite gradients
    teacher_gap = dy.Float32(nullable=True)  # mean student minus positive-view log-prob of a token
    evidence_delta = dy.Float32(nullable=True)  # mean positive minus negative log-prob of a token
    evidence_delta_positive = dy.Float32(nullable=True)  # share of tokens with a positive gap
    score_mean = dy.Float32(nullable=True)
    score_std = dy.Float32(nullable=True)
    weight_mean = dy.Float32(nullable=True)
    weight_std = dy.Float32(nullable=True)
    weight_zero = dy.Float32(nullable=True)  # share at w_min
    weight_max = dy.Float32(nullable=True)  # share at w_max
    effective_rollouts = dy.Float32(nullable=True)  # (sum w)^2 / sum w^2 / n
    reward = dy.Float32(nullable=True)  # mean
    uncounted = dy.Int32(nullable=False)  # rollouts that enter nothing
    reference_kl = dy.Float32(nullable=True)  # mean k3 of a token, of the student that sampled to the start
    entropy = dy.Float32(nullable=True)  # mean surprise of a sampled token, for the model that wrote it
    first_token_share = dy.Float32(nullable=True)  # of answers that begin with the commonest first token
    response_tokens = dy.Float32(nullable=True)  # mean length
    truncated = dy.Float32(nullable=True)  # share without an end token
    clipped = dy.Float32(nullable=True)  # share of tokens whose ratio to the policy that sampled was clipped
    # Of servers' answers: how far their log-probs are from our replay's, nats a token, mean and largest; the
    # mean of the truncated ratios, and the share of tokens whose ratio reached the bound.
    mismatch = dy.Float32(nullable=True)
    mismatch_largest = dy.Float32(nullable=True)
    ratio_mean = dy.Float32(nullable=True)
    ratio_cut = dy.Float32(nullable=True)
    alike = dy.Float32(nullable=True)  # share of groups in which nothing was rewarded more than the rest
    # Of written questions: shares that could not be read, that the Solver would learn from, and whose quick
    # answer is the label; mean share of the label's votes and mean of what repeats took off; share of the
    # commonest letter among the quick answers, and of different stems.
    malformed = dy.Float32(nullable=True)
    kept = dy.Float32(nullable=True)
    agree = dy.Float32(nullable=True)
    confidence = dy.Float32(nullable=True)
    penalty = dy.Float32(nullable=True)
    commonest_letter = dy.Float32(nullable=True)
    distinct = dy.Float32(nullable=True)
    # Votes that were cast, and those saved because a question was malformed or a sibling's.
    votes = dy.Int64(nullable=True)
    votes_saved = dy.Int64(nullable=True)
    rollout_tokens = dy.Int64(nullable=False)
    replay_tokens = dy.Int64(nullable=False)  # response tokens scored, both views
    update_tokens = dy.Int64(nullable=False)
    # What the models of all processes computed, padding included (`vzero.models.work`). Positions are the
    # language models'; those that several answers share are computed once.
    rollout_flops = dy.Float64(nullable=False)
    replay_flops = dy.Float64(nullable=False)
    update_flops = dy.Float64(nullable=False)
    rollout_positions = dy.Int64(nullable=False)
    replay_positions = dy.Int64(nullable=False)
    update_positions = dy.Int64(nullable=False)
    labels = dy.Int64(nullable=False)  # people's answers that the method read: of each sample one, or none


class TrainTimings(dy.Schema):
    """One row a step: what its phases took of the main process. Written by `train` as it goes."""

    step = dy.Int32(primary_key=True)
    rollout_seconds = dy.Float32(nullable=False)
    replay_seconds = dy.Float32(nullable=False)
    update_seconds = dy.Float32(nullable=False)
    # MiB, the most until then: of its GPU, as the allocator counts; without one, of main memory.
    peak_memory = dy.Float32(nullable=False)
