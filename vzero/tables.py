"""Every table's schema: columns, types, keys and meaning. The contract between stages.

Tables are folders of Parquet shards (`vzero.shards`). All boxes are xyxy in pixels of the image in the table:
x to the right, y down, the right and bottom edge exclusive.

What a clock said stands in the timings alone (and in `promoted_at`, which no stage of the graph writes): two
runs of the same code and params on one processor write the same bytes into all other tables.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

SPLITS = ["train", "dev"]
FALLBACKS = ["exact", "shrunk", "overlap", "other_image", "none"]
FINISH_REASONS = ["stop", "length"]
REFUSED = "refused"  # in the place of a finish reason: nothing was asked
PROMPT_TOO_LONG = ["student_prompt_too_long", "teacher_prompt_too_long"]
PICTURE_REFUSED = ["student_picture_refused", "teacher_picture_refused"]
LEFT_OUT = ["no_region", "no_answer", "open_question", *PICTURE_REFUSED, *PROMPT_TOO_LONG]
SCORED: dict[str, dy.Column] = {
    "model": dy.Enum(["student", "teacher", "reference"], nullable=False),
    "view": dy.String(nullable=False),  # full, positive, negative, ...
    "values": dy.List(dy.Float32(nullable=False), nullable=False),
}
QUESTION_KINDS = ["choice", "open"]
PHASES = ("rollout", "replay", "update")  # of a step of training
AGGREGATES = ["micro", "cyclic", "source_mean", "l2_macro"]


class Images(dy.Schema):
    """One row a distinct image. Written by `ingest`."""

    image_id = dy.String(primary_key=True)  # sha256 of `bytes`
    # Encoded, exactly as found; with `ingest.upright` an image that EXIF turns is turned and a PNG.
    bytes = dy.Binary(nullable=False)
    width = dy.Int32(nullable=False, min=1)
    height = dy.Int32(nullable=False, min=1)
    format = dy.String(nullable=False)  # png, jpeg, webp, ...
    # 64-bit difference hash of the image as it is shown: near-duplicates differ in few bits.
    perceptual_hash = dy.UInt64(nullable=False)
    source = dy.String(nullable=False)
    licence = dy.String(nullable=False)
    # Whether a row about it, of any source, was rejected because its boxes are on another grid than the image
    # (vzero.untrusted.rejects.OTHER_GRID): then the boxes of the rows that pass may be wrong too.
    suspect = dy.Bool(nullable=False)


class Samples(dy.Schema):
    """One row a question about one image or several. Written by `ingest`, in the shard of the first image."""

    sample_id = dy.String(primary_key=True)
    image_id = dy.String(nullable=False)
    # The images after that one, in order; [] for a single one. They may lie in other shards than the sample.
    more_image_ids = dy.List(dy.String(nullable=False), nullable=False)
    question = dy.String(nullable=False, min_length=1)
    options = dy.List(dy.String(nullable=False), nullable=False)  # texts in order; [] for open questions
    answer = dy.String(nullable=True)  # letter (with options) or text; carried for reporting only
    # Of the first image. Without one (`params.ingest.missing_box`) no crops are cut.
    boxes = dy.List(dy.List(dy.Float32(nullable=False), min_length=4, max_length=4), nullable=False)
    evidence_box = dy.List(dy.Float32(nullable=False), nullable=True, min_length=4, max_length=4)  # union
    split = dy.Enum(SPLITS, nullable=False)
    category = dy.String(nullable=False)  # question family, "" when the source has none
    source = dy.String(nullable=False)


SHOWN_IMAGES = pl.concat_list("image_id", "more_image_ids")
"""Of rows of Samples: the ids of all images of a sample, in order."""


class Rejects(dy.Schema):
    """One row for everything `ingest` left out. Nothing is dropped silently."""

    source = dy.String(nullable=False)
    row = dy.Int64(nullable=False)  # position in the source
    sample_id = dy.String(nullable=True)
    image = dy.String(nullable=True)  # the path as annotated, when there is one
    code = dy.String(nullable=False)  # one of vzero.untrusted.rejects.RejectCode
    detail = dy.String(nullable=False)


class Funnel(dy.Schema):
    """From the rows of the source to the samples, a step a check or filter that left some out. Of `ingest`.

    What a step passes on is what the next one gets, and the rejects of the source with the step's code are
    what it left out.
    """

    step = dy.Int32(primary_key=True, min=0)
    name = dy.String(nullable=False)  # rows, at the start; a code of Rejects; samples, at the end
    rows_in = dy.Int64(nullable=False, min=0)
    left_out = dy.Int64(nullable=False, min=0)
    rows_out = dy.Int64(nullable=False, min=0)
    parameters = dy.String(nullable=False)  # of params.ingest, as text; "" where the step has none


class Crops(dy.Schema):
    """The evidence views of a sample that has a box. Written by `crops`, in the same shard as the sample."""

    sample_id = dy.String(primary_key=True)
    positive = dy.Binary(nullable=False)  # encoded image
    # Encoded, of the positive's sides (`downsampled`: those // 2, at least 1); null when `fallback` is none.
    negative = dy.Binary(nullable=True)
    # Further negatives by the same strategy and rule, each another window; [] when one was asked for. Fewer
    # than `params.crops.negative_count` - 1 where no more different windows exist.
    more_negatives = dy.List(dy.Binary(nullable=False), nullable=False)
    # Of `downsampled`: the encoded full image that the negative view shows, at its sides // 2, at least 1.
    negative_image = dy.Binary(nullable=True)
    width = dy.Int32(nullable=False, min=1)  # of the encoded positive
    height = dy.Int32(nullable=False, min=1)
    positive_box = dy.List(dy.Int32(nullable=False), nullable=False, min_length=4, max_length=4)
    # What `negative` shows, in full-resolution pixels of the image `negative_image_id`, at whichever
    # resolution it was cut. `masked`, `blurred`, `downsampled`: the positive's box. `blank`: null.
    negative_box = dy.List(dy.Float32(nullable=False), nullable=True, min_length=4, max_length=4)
    negative_image_id = dy.String(nullable=True)  # where `negative` is from; null when there is none
    positive_scale = dy.Float32(nullable=False)  # crop pixels per image pixel
    negative_scale = dy.Float32(nullable=True)  # null with `negative_box`
    strategy = dy.String(nullable=False)  # params.crops.negative
    # exact: as the strategy says. none: no negative. Only of `half_resolution` and `same_resolution`: shrunk,
    # a smaller window off the target, enlarged to size; overlap, a window that touches the target a little;
    # other_image, a window of another image, because this one has no place.
    fallback = dy.Enum(FALLBACKS, nullable=False)
    seed = dy.UInt64(nullable=False)  # of this row's windows, from params.crops.seed and sample_id


class Quality(dy.Schema):
    """How many rows of a source are at each level of a figure. Written by `quality`."""

    source = dy.String(primary_key=True)
    # counts, suspect (images, and samples about them), reject, evidence_area (share of the image),
    # evidence_aspect (width over height), evidence_centre (12 x 12 cells of the image; position = 12 * row +
    # column), boxes, question_length (characters), options, answer_letter, answer, category, image_side (the
    # longer one, pixels), image_aspect, format, licence, questions_an_image, nearest_image (bits between
    # perceptual hashes; only near images), fallback, overlap (images, by benchmark), student_tokens,
    # teacher_tokens (prompts, of up to 2,000 samples a source)
    figure = dy.String(primary_key=True)
    level = dy.String(primary_key=True)
    position = dy.Int32(nullable=False, min=0)  # of the level, in the order it is meant to be shown
    low = dy.Float64(nullable=True)  # low <= value < high, where levels are ranges
    high = dy.Float64(nullable=True)  # null: no upper end, or no range
    count = dy.Int64(nullable=False, min=0)


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
    # Of the tokens, by who scored them and under which view; the writer's own first. Of several views of a
    # role, values are the mean. `vzero.rollout.table` reads them.
    logprobs = dy.List(dy.Struct(SCORED, nullable=False), nullable=False)
    counted = dy.Bool(nullable=False)  # false: enters no loss and no statistic
    weight = dy.Float32(nullable=False)  # scales what is learnt of the answer
    # Null where the method has none.
    evidence_score = dy.Float32(nullable=True)  # length-mean of the gated token gaps, or the reward
    advantage = dy.Float32(nullable=True)  # z-score within the group
    reward = dy.Float32(nullable=True)  # 1 for a right answer, else 0


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
    labels = dy.Int64(nullable=False)  # answer labels that the method read: of each sample one, or none


class TrainTimings(dy.Schema):
    """One row a step: what its phases took of the main process. Written by `train` as it goes."""

    step = dy.Int32(primary_key=True)
    rollout_seconds = dy.Float32(nullable=False)
    replay_seconds = dy.Float32(nullable=False)
    update_seconds = dy.Float32(nullable=False)
    # MiB, the most until then: of its GPU, as the allocator counts; without one, of main memory.
    peak_memory = dy.Float32(nullable=False)


class BenchmarkItems(dy.Schema):
    """Benchmark questions in one shape. Written by `ingest`."""

    benchmark = dy.String(primary_key=True)
    item = dy.String(primary_key=True)
    version = dy.String(nullable=False)  # sha256 over all items of the benchmark
    group = dy.String(nullable=False)  # items about the same image: intervals resample groups
    question = dy.String(nullable=False, min_length=1)  # without the options of a choice
    # By letter; [] for open questions. Null: the letter is not offered, those after it are
    # (VLMEvalKit reads an option "None" as missing, see params.ingest.na_cells).
    options = dy.List(dy.String(nullable=True), nullable=False)
    answer = dy.String(nullable=False)  # letter of a choice, else text
    kind = dy.Enum(QUESTION_KINDS, nullable=False)
    answer_type = dy.String(nullable=False)  # integer, float, ... as published; "" where nothing is
    prompt = dy.String(nullable=True)  # the whole question as published; null where only its parts are
    hint = dy.String(nullable=True)
    category = dy.String(nullable=False)
    l2_category = dy.String(nullable=False)  # "" without sub-categories
    source = dy.String(nullable=False)  # collection that the image is from; "" where one is all
    cycle = dy.Int32(nullable=True)  # option order, for benchmarks that ask every order
    resolution = dy.String(nullable=False)  # "" when the benchmark has one
    image = dy.Binary(nullable=False)  # encoded, exactly as published
    more_images = dy.List(dy.Binary(nullable=False), nullable=False)  # after `image`, in order
    crop_image = dy.Binary(nullable=True)  # what the teacher's ceiling sees; null without a region
    pictures = dy.List(  # facts of `image`, `more_images` and `crop_image`, in this order
        dy.Struct(
            {
                "role": dy.Enum(["image", "crop"], nullable=False),
                "sha256": dy.String(nullable=False),  # of the encoded bytes
                "width": dy.Int32(nullable=False),
                "height": dy.Int32(nullable=False),
                "perceptual_hash": dy.UInt64(nullable=False),  # as of tables.Images
            },
            nullable=False,
        ),
        nullable=False,
        min_length=1,
    )
    boxes = dy.List(dy.List(dy.Float32(nullable=False), min_length=4, max_length=4), nullable=False)
    evidence_box = dy.List(dy.Float32(nullable=False), nullable=True, min_length=4, max_length=4)  # union


class Overlaps(dy.Schema):
    """One row a training image (of either split) that is, or resembles, a benchmark's picture.

    Written by `ingest`, of the images that its filters kept: vzero.likeness.overlaps says what counts.
    """

    benchmark = dy.String(primary_key=True)
    item = dy.String(primary_key=True)
    picture = dy.Int32(primary_key=True, min=0)  # position in the item's `pictures`; 0: its image
    image_id = dy.String(primary_key=True)  # of the training image
    same_bytes = dy.Bool(nullable=False)  # certain; otherwise the two look alike
    distance = dy.Int32(nullable=False, min=0, max=64)  # bits in which the two hashes differ
    image_hash = dy.UInt64(nullable=False)  # perceptual_hash of the training image
    benchmark_hash = dy.UInt64(nullable=False)  # perceptual_hash of the benchmark's picture


class Predictions(dy.Schema):
    """One row an answer to a benchmark item. Written by `evaluate`."""

    model = dy.Enum(["base", "trained", "teacher"], primary_key=True)
    benchmark = dy.String(primary_key=True)
    item = dy.String(primary_key=True)
    view = dy.Enum(["full", "full+crop", "crop"], primary_key=True)
    seed = dy.Int32(primary_key=True)  # of the sampling; greedy answers have one, 0
    reader = dy.String(nullable=False)  # that read the answer: of letters, or of open answers
    model_hash = dy.String(nullable=False)  # content of the model's folder but for its card
    version = dy.String(nullable=False)  # of the benchmark, as of tables.BenchmarkItems
    group = dy.String(nullable=False)
    category = dy.String(nullable=False)
    l2_category = dy.String(nullable=False)
    source = dy.String(nullable=False)
    cycle = dy.Int32(nullable=True)
    wording = dy.String(nullable=False)  # in whose words the question was asked
    prompt_hash = dy.String(nullable=False)  # sha256 of texts and image places, before the chat template
    image_hash = dy.String(nullable=False)  # sha256 of the shown images' sha256, one a line
    image_width = dy.Int32(nullable=False)  # of the first image
    image_height = dy.Int32(nullable=False)
    shown_width = dy.Int32(nullable=False)  # of the first image as the model gets it, resized; 0: refused
    shown_height = dy.Int32(nullable=False)
    thinking = dy.String(nullable=True)  # what stands before the last `</think>`; null without one
    text = dy.String(nullable=False)  # raw model output after it
    # refused: the model's image processor takes none of a picture's shape, so nothing was asked; `rule` is
    # picture_refused, and the item counts as wrong.
    finish_reason = dy.Enum([*FINISH_REASONS, REFUSED], nullable=False)
    extracted = dy.String(nullable=True)  # letter; null when unresolved, and for open questions
    rule = dy.String(nullable=False)  # which rule of the reader decided
    resolved = dy.Bool(nullable=False)  # whether a rule could read the answer; if none, it counts as wrong
    answer = dy.String(nullable=False)
    hit = dy.Bool(nullable=False)


class EvaluateTimings(dy.Schema):
    """One row an answer of Predictions: how long it took. Written by `evaluate`."""

    model = dy.Enum(["base", "trained", "teacher"], primary_key=True)
    benchmark = dy.String(primary_key=True)
    item = dy.String(primary_key=True)
    view = dy.Enum(["full", "full+crop", "crop"], primary_key=True)
    seed = dy.Int32(primary_key=True)
    seconds = dy.Float32(nullable=False)  # of its batch, shared equally


class Scores(dy.Schema):
    """Accuracy with its interval; the category "all" is the whole benchmark. Written by `evaluate`."""

    model = dy.Enum(["base", "trained", "teacher"], primary_key=True)
    benchmark = dy.String(primary_key=True)
    view = dy.Enum(["full", "full+crop", "crop"], primary_key=True)
    category = dy.String(primary_key=True)
    # How hits become the number: micro, their mean; cyclic, source_mean, l2_macro, the mean over option
    # orders, sources or sub-categories of each one's mean. A benchmark's headline is named in its file.
    aggregate = dy.Enum(AGGREGATES, primary_key=True)
    reader = dy.String(nullable=False)  # that read the answers; two, joined by +, where some are open
    n = dy.Int32(nullable=False)  # items
    seeds = dy.Int32(nullable=False)  # answers an item, pooled: an item counts by its share of hits
    accuracy = dy.Float64(nullable=False)  # fraction
    low = dy.Float64(nullable=False)
    high = dy.Float64(nullable=False)
    seed_deviation = dy.Float64(nullable=True)  # standard deviation between seeds; null with one seed
    unresolved = dy.Float64(nullable=False)  # share of answers no rule could read (counted as wrong)


class Promotions(dy.Schema):
    """One row a promoted student, compared on the dev split with the one before. Written by `promote`."""

    promoted_at = dy.Datetime(primary_key=True, time_zone="UTC")
    model_hash = dy.String(nullable=False)  # content of the model folder but for its card
    previous = dy.Enum(["base", "promoted"], nullable=False)  # what it was compared with
    previous_hash = dy.String(nullable=False)
    n = dy.Int32(nullable=False, min=1)  # dev questions
    accuracy = dy.Float64(nullable=False)  # fraction
    previous_accuracy = dy.Float64(nullable=False)
    delta = dy.Float64(nullable=False)  # points
    delta_low = dy.Float64(nullable=False)
    delta_high = dy.Float64(nullable=False)


class Summary(dy.Schema):
    """The report's headline table. Accuracies are fractions, deltas are points against base."""

    model = dy.Enum(["base", "trained", "teacher"], primary_key=True)
    benchmark = dy.String(primary_key=True)  # a benchmark, or "regions": the region benchmarks' mean
    n = dy.Int32(nullable=False)
    accuracy = dy.Float64(nullable=False)
    low = dy.Float64(nullable=False)
    high = dy.Float64(nullable=False)
    delta = dy.Float64(nullable=True)  # null for base
    delta_low = dy.Float64(nullable=True)
    delta_high = dy.Float64(nullable=True)


TABLES: dict[str, type[dy.Schema]] = {
    "images": Images,
    "samples": Samples,
    "rejects": Rejects,
    "funnel": Funnel,
    "crops": Crops,
    "quality": Quality,
    "left_out": LeftOut,
    "rollouts": Rollouts,
    "train_log": TrainLog,
    "train_timings": TrainTimings,
    "benchmark_items": BenchmarkItems,
    "overlaps": Overlaps,
    "predictions": Predictions,
    "evaluate_timings": EvaluateTimings,
    "scores": Scores,
    "promotions": Promotions,
    "summary": Summary,
}
