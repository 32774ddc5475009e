"""What `evaluate`, `report` and `promote` write: answers to benchmarks, and how good they are."""

from __future__ import annotations

import dataframely as dy

from vzero.config.evaluate import MODELS
from vzero.tables.training import FINISH_REASONS

REFUSED = "refused"  # in the place of a finish reason: nothing was asked
AGGREGATES = ["micro", "cyclic", "source_mean", "l2_macro"]


class Predictions(dy.Schema):
    """One row an answer to a benchmark item. Written by `evaluate`."""

    model = dy.Enum(MODELS, primary_key=True)
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

    model = dy.Enum(MODELS, primary_key=True)
    benchmark = dy.String(primary_key=True)
    item = dy.String(primary_key=True)
    view = dy.Enum(["full", "full+crop", "crop"], primary_key=True)
    seed = dy.Int32(primary_key=True)
    seconds = dy.Float32(nullable=False)  # of its batch, shared equally


class Scores(dy.Schema):
    """Accuracy with its interval; the category "all" is the whole benchmark. Written by `evaluate`."""

    model = dy.Enum(MODELS, primary_key=True)
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

    model = dy.Enum(MODELS, primary_key=True)
    benchmark = dy.String(primary_key=True)  # a benchmark, or "regions": the region benchmarks' mean
    n = dy.Int32(nullable=False)
    accuracy = dy.Float64(nullable=False)
    low = dy.Float64(nullable=False)
    high = dy.Float64(nullable=False)
    delta = dy.Float64(nullable=True)  # null for base
    delta_low = dy.Float64(nullable=True)
    delta_high = dy.Float64(nullable=True)
