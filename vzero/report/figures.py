"""The charts of the page with their headings and captions."""

from __future__ import annotations

import polars as pl

from vzero.pages.charts import render
from vzero.pages.parts import BroadFigure, Figure
from vzero.report import charts, curves, gate


def accuracy_figure(summary: pl.DataFrame, labels: dict[str, str]) -> BroadFigure:
    """Accuracies of every model with their intervals; `labels` names the benchmarks, in order."""
    percent = summary.select(
        pl.col("benchmark").replace(labels),
        pl.col("model").cast(pl.String),
        pl.col("accuracy", "low", "high") * 100,
    )
    order, description = list(labels.values()), "Accuracy of each model on each benchmark"
    broad, slim = (
        render(charts.accuracies(percent, order, width), description, name=name)
        for width, name in ((charts.BROAD, "accuracy"), (charts.SLIM, "accuracy-slim"))
    )
    return BroadFigure("Accuracy with intervals", broad, "Dots are accuracies, lines their intervals.", slim)


def letter_figures(shares: pl.DataFrame, labels: dict[str, str]) -> list[Figure]:
    """How often each letter was read and is right: one chart a benchmark, of `reading.letter_shares`."""
    found = []
    for (name,), frame in shares.group_by(["benchmark"], maintain_order=True):
        percent = frame.with_columns(pl.col("read", "right") * 100)
        label = labels[str(name)]
        svg = render(
            charts.letter_shares(percent), f"Letters read and right on {label}", name=f"letters-{name}"
        )
        caption = "Bars: share of the answers read as the letter. Lines: share of the items it is right for."
        found.append(Figure(label, svg, caption))
    return found


def learning_figures(train_log: pl.DataFrame, rollouts: pl.DataFrame) -> list[Figure]:
    """The curves of what the train_log tells, and the share of right answers where it can be told."""
    told = [column for column in curves.CURVES if train_log[column].null_count() < train_log.height]
    figures = [_curve(train_log, column) for column in told]
    known = rollouts.filter(pl.col("right").is_not_null())
    if known.is_empty():
        return figures
    share = known.group_by("step").agg(right=pl.col("right").mean()).sort("step")
    chart = charts.learning_curve(curves.curve(share, "right"), "share")
    svg = render(chart, "Share of right answers among the rollouts over training", name="curve-right")
    caption = "For the reader only: no answer enters training."
    return [*figures, Figure("Right answers among the rollouts", svg, caption)]


def _curve(train_log: pl.DataFrame, column: str) -> Figure:
    unit, heading = curves.CURVES[column]
    chart = charts.learning_curve(curves.curve(train_log, column), unit)
    svg = render(chart, f"{heading}, over training", name=f"curve-{column.replace('_', '-')}")
    return Figure(heading, svg, f"train_log.{column}")


def gate_figures(rollouts: pl.DataFrame, *, low: float, high: float) -> list[Figure]:
    """Weights by verdict, over training and by length, and the spread of scores that they come from."""
    if rollouts.is_empty():
        return []
    figures = [_weights(rollouts, low, high), _scores(rollouts)]
    over_training = gate.weight_over_training(rollouts)
    if not over_training.is_empty():
        figures.append(_over_training(over_training))
    return [*figures, _by_length(rollouts), _spread(rollouts)]


def _weights(rollouts: pl.DataFrame, low: float, high: float) -> Figure:
    histogram = gate.histogram(rollouts, "weight", low=low, high=high)
    chart = charts.stacked_histogram(histogram, "weight", "rollouts")
    svg = render(chart, "Histogram of the weights, by right and wrong answer", name="gate-weights")
    return Figure(
        "Weights", svg, "Weight of every rollout. 1 is neutral: the gate neither raises nor lowers it."
    )


def _scores(rollouts: pl.DataFrame) -> Figure:
    scores = rollouts["evidence_score"]
    bounds = [float(scores.quantile(share) or 0.0) for share in (0.01, 0.99)]
    low, high = bounds if bounds[1] > bounds[0] else (bounds[0] - 0.5, bounds[0] + 0.5)
    chart = charts.stacked_histogram(
        gate.histogram(rollouts, "evidence_score", low=low, high=high),
        "evidence score, nats a token",
        "rollouts",
    )
    svg = render(chart, "Histogram of the evidence scores, by right and wrong answer", name="gate-scores")
    caption = (
        "Length-mean of the token gaps, before it is compared within the group. The outermost bars are open."
    )
    return Figure("Evidence scores", svg, caption)


def _over_training(frame: pl.DataFrame) -> Figure:
    chart = charts.verdict_lines(frame, "weight", "mean weight")
    svg = render(chart, "Mean weight of right and of wrong answers over training", name="gate-training")
    caption = "A gate that works without the answers keeps the right ones above 1 and the wrong ones below."
    return Figure("Mean weight of right and wrong answers", svg, caption)


def _by_length(rollouts: pl.DataFrame) -> Figure:
    chart = charts.weight_by_length(gate.by_length(rollouts))
    svg = render(chart, "Mean weight by answer length", name="gate-length")
    caption = "Mean and one standard deviation; larger dots stand for more rollouts."
    return Figure("Weight against length", svg, caption)


def _spread(rollouts: pl.DataFrame) -> Figure:
    histogram = gate.spread_histogram(gate.group_spread(rollouts)["spread"])
    chart = charts.histogram(histogram, "standard deviation, nats a token", "groups")
    svg = render(chart, "Histogram of the spread of scores within groups", name="gate-spread")
    caption = (
        "Population deviation of each group's scores: what a difference is divided by. The last bar is open."
    )
    return Figure("Score spread within groups", svg, caption)
