"""A step before its update: tasks answered, answers replayed, and the method's credit for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from accelerate.utils import gather_object

from vzero.launched import together
from vzero.methods.base import Answers, Credit
from vzero.models.encoding import pad_rows
from vzero.rollout.agreement import require_agreement
from vzero.rollout.sampling import Rollout, Sampling
from vzero.signals.mismatch import Mismatch, truncated_ratio
from vzero.train.costs import Cost, Meter
from vzero.train.lockstep import in_lockstep
from vzero.train.loss import Loss, Scored
from vzero.train.prompts import Batch
from vzero.train.replays import GivenAnswers, Replays, own_logprobs, replay_views
from vzero.train.training_run import TrainingRun
from vzero.voting.hearing import heard

NO_REPLAYS = Replays({}, {})


@dataclass(frozen=True)
class ScoredStep:
    """A process's share of a step. Rows of the tensors are rollouts, siblings beside each other."""

    batch: Batch
    rollouts: list[Rollout]
    scored: Scored
    credit: Credit
    costs: Mapping[str, Cost] = field(default_factory=dict)
    """By phase."""
    sampled: torch.Tensor | None = None
    """Log-probs (rows, tokens) of a sampler that is not exact, as it said; None where ours are those."""
    mismatch: Mismatch | None = None
    """How far they are from ours, over all processes."""


def loss_of(run: TrainingRun) -> Loss:
    """What the run minimises."""
    return Loss(run.method.settings.terms(), run.method.target, run.train.logprob_temperature)


def score_step(run: TrainingRun, batch: Batch, *, step: int) -> ScoredStep:
    """Everything a step needs before the first update."""
    meter = Meter(run)
    rollouts = _rollouts(run, batch, step)
    sampling = meter.read()
    token_ids, mask = pad_rows(
        [rollout.token_ids for rollout in rollouts], pad=run.student.pad_token, device=run.student.device
    )
    given = GivenAnswers(token_ids, mask, run.train.micro_tokens, run.train.logprob_temperature)
    sampled, replayed, ratio, found = None, None, None, None
    if not run.sampler.exact:
        replayed = own_logprobs(run.writer, batch.asked, given)
        sampled = _said(rollouts, mask)
        if sampled is not None:
            ratio, found = _compared(run, batch, given, replayed, sampled)
        rollouts = _replayed(rollouts, replayed)
    loss = loss_of(run)
    replays = NO_REPLAYS
    if run.teacher is not None and any(batch.scored):
        with in_lockstep(run.teacher):
            replays = replay_views(run.teacher, batch.scored, given, kept=loss.kept_roles)
    credit = _credit(run, Answers(batch.tasks, rollouts, mask, replays.logprobs)).to(mask.device)
    reference = None
    if run.reference is not None:
        with in_lockstep(run.reference):
            reference = own_logprobs(run.reference, batch.learnt, given)
    scored = Scored(
        token_ids,
        mask,
        credit.weights,
        credit.counted,
        advantages=credit.advantages,
        old_logprobs=_old_logprobs(run, batch, given, loss, replayed),
        reference_logprobs=reference,
        ratio=ratio,
        logprobs=replays.logprobs,
        hidden=replays.hidden,
    )
    costs = {"rollout": sampling, "replay": meter.read()}
    return ScoredStep(batch, rollouts, scored, credit, costs, sampled, found)


def _rollouts(run: TrainingRun, batch: Batch, step: int) -> list[Rollout]:
    """`train.group` answers to every task, siblings beside each other, in the tasks' order."""
    train = run.train
    sampling = Sampling(
        train.temperature, train.max_new_tokens, logprob_temperature=train.logprob_temperature
    )
    seeds = [train.seed * 1_000_003 + step] * len(batch.asked)
    groups = together(lambda: run.sampler.answers(batch.asked, train.group, sampling, seeds))
    return [rollout for siblings in groups for rollout in siblings]


def _credit(run: TrainingRun, answers: Answers) -> Credit:
    """The method's, after the frozen model was asked what the method wants to know."""
    voter, teacher = run.voter, run.teacher
    if voter is None or teacher is None:
        return run.method.credit(answers)
    everyone = gather_object([rollout.text for rollout in answers.rollouts])
    voter.follow(teacher)
    replies = together(lambda: heard(voter, teacher, run.method.asks(answers)))
    return run.method.credit(replace(answers, replies=replies, everyone=everyone))


def _said(rollouts: Sequence[Rollout], mask: torch.Tensor) -> torch.Tensor | None:
    """What the sampler says of its answers, (rows, tokens); None from one that says nothing."""
    if not all(rollout.logprobs for rollout in rollouts):
        return None
    said = torch.zeros(mask.shape, device=mask.device)
    for row, rollout in zip(said, rollouts, strict=True):
        row[: len(rollout.logprobs)] = torch.tensor(rollout.logprobs)
    return said


def _compared(
    run: TrainingRun, batch: Batch, given: GivenAnswers, replayed: torch.Tensor, sampled: torch.Tensor
) -> tuple[torch.Tensor, Mismatch]:
    """The ratio that each token's share of the loss is multiplied by, (rows, tokens), and the mismatch of all
    processes' answers.

    Samplers say log-probs at temperature 1. Raises SamplerError, on all processes, where they are too far
    from ours.
    """
    ours = replayed
    if given.temperature != 1.0:
        ours = own_logprobs(run.writer, batch.asked, replace(given, temperature=1.0))
    ratio, own = truncated_ratio(ours, sampled, given.mask, most=run.max_ratio)
    found = sum(gather_object([own]), Mismatch())
    require_agreement(found, run.max_mismatch)
    return ratio, found


def _replayed(rollouts: Sequence[Rollout], replayed: torch.Tensor) -> list[Rollout]:
    """The answers with log-probs of the model that the sampler followed."""
    return [
        replace(rollout, logprobs=row[: len(rollout.token_ids)])
        for rollout, row in zip(rollouts, replayed.tolist(), strict=True)
    ]


def _old_logprobs(
    run: TrainingRun, batch: Batch, given: GivenAnswers, loss: Loss, replayed: torch.Tensor | None
) -> torch.Tensor | None:
    """The student's log-probs (rows, tokens), before any update.

    None where the first update is the only one, or no ratio to them is taken. `replayed`: the writer's, where
    they are known.
    """
    if run.train.mini_batches == 1 or not loss.takes_ratio:
        return None
    if replayed is not None and run.writer is run.student and batch.asked == batch.learnt:
        return replayed
    return own_logprobs(run.student, batch.learnt, given)
