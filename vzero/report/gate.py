"""How the evidence gate treated the sampled answers: tables for the charts of the page.

Every function takes the rollouts that `annotate` returns. Right and wrong come from the answers that the
samples carry for reporting; training never saw them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

GROUP = ["step", "sample_id"]
TIED = 1e-6  # scores closer than this are the same answer scored twice


def annotate(
    rollouts: pl.DataFrame, samples: pl.DataFrame, read_letter: Callable[[str, Sequence[str]], str | None]
) -> pl.DataFrame:
    """Rollouts with `letter` (read from the text), `right` (null when it cannot be told) and `verdict`.

    `read_letter` gets the text and the options. Open questions and samples without an answer have no verdict.
    """
    joined = rollouts.join(
        samples.select("sample_id", "options", "answer"),
        on="sample_id",
        how="left",
        maintain_order="left",
    )
    letters = [
        read_letter(text, options) if options else None
        for text, options in joined.select("text", "options").iter_rows()
    ]
    known = (pl.col("options").list.len() > 0) & pl.col("answer").is_not_null()
    right = pl.when(known).then(pl.col("letter").eq_missing(pl.col("answer")))
    return (
        joined.with_columns(letter=pl.Series(letters, dtype=pl.String))
        .with_columns(right=right)
        .with_columns(verdict=_verdict())
        .drop("options", "answer")
        .sort("step", "sample_id", "member")
    )


def _verdict() -> pl.Expr:
    right = pl.col("right")
    return (
        pl.when(right).then(pl.lit("right")).when(~right).then(pl.lit("wrong")).otherwise(pl.lit("unknown"))
    )


def histogram(
    rollouts: pl.DataFrame, column: str, *, low: float, high: float, bins: int = 20
) -> pl.DataFrame:
    """Counts of rollouts by value and verdict, in equal bins; values outside go to the outermost ones."""
    width = (high - low) / bins
    index = ((pl.col(column) - low) / width).floor().clip(0, bins - 1).cast(pl.Int32)
    return (
        rollouts.group_by(index.alias("bin"), "verdict")
        .agg(count=pl.len())
        .with_columns(start=low + pl.col("bin") * width, end=low + (pl.col("bin") + 1) * width)
        .select("start", "end", "verdict", "count")
        .sort("start", "verdict")
    )


def by_verdict(rollouts: pl.DataFrame) -> pl.DataFrame:
    """Number of rollouts, mean weight and mean evidence score: one row a verdict that occurs."""
    return (
        rollouts.group_by("verdict")
        .agg(n=pl.len(), weight=pl.col("weight").mean(), evidence_score=pl.col("evidence_score").mean())
        .sort("verdict")
    )


def ranked_pairs(rollouts: pl.DataFrame) -> tuple[int, float | None]:
    """Pairs of one right and one wrong sibling, and the share where the right one weighs more (ties half).

    One half is what a gate that knows nothing reaches; it is the area under the curve within groups.
    """
    known = rollouts.filter(pl.col("right").is_not_null()).select(*GROUP, "right", "weight")
    pairs = known.filter("right").join(known.filter(~pl.col("right")), on=GROUP, suffix="_wrong")
    difference = pl.col("weight") - pl.col("weight_wrong")
    won = pl.when(difference.abs() <= TIED).then(0.5).when(difference > 0).then(1.0).otherwise(0.0)
    return pairs.height, pairs.select(won.mean()).item()


def by_length(rollouts: pl.DataFrame, bins: int = 12) -> pl.DataFrame:
    """Mean and deviation of the weight by answer length, in at most `bins` equal bins of whole tokens.

    `middle` is the middle of the bin's lengths.
    """
    longest = rollouts.select(pl.col("length").max().fill_null(1)).item()
    width = max(1, -(-longest // bins))
    first = (pl.col("length") - 1) // width * width + 1
    return (
        rollouts.group_by(middle=first + (width - 1) / 2)
        .agg(weight=pl.col("weight").mean(), deviation=pl.col("weight").std(ddof=0), n=pl.len())
        .sort("middle")
    )


def length_correlation(rollouts: pl.DataFrame) -> float | None:
    """Pearson correlation of weight and length; `None` where one of them does not vary."""
    spread = rollouts.select(pl.col("weight", "length").std(ddof=0)).row(0)
    if any(value is None or value < TIED for value in spread):
        return None
    return rollouts.select(pl.corr("weight", "length")).item()


def group_spread(rollouts: pl.DataFrame) -> pl.DataFrame:
    """Population standard deviation of the evidence scores of each group, with its number of letters."""
    return (
        rollouts.group_by(GROUP)
        .agg(
            spread=pl.col("evidence_score").std(ddof=0),
            different=pl.col("text").n_unique(),
            members=pl.len(),
        )
        .sort(GROUP)
    )


def spread_histogram(spread: pl.Series, bins: int = 24) -> pl.DataFrame:
    """Counts of groups by spread in equal bins from 0 to the 99th percentile (the last one open)."""
    top = float(spread.quantile(0.99) or 0.0) or 1.0
    counts, edges = np.histogram(np.minimum(spread.to_numpy(), top), bins=bins, range=(0.0, top))
    return pl.DataFrame({"start": edges[:-1], "end": edges[1:], "count": counts})


def weight_over_training(rollouts: pl.DataFrame, points: int = 25) -> pl.DataFrame:
    """Mean weight of right and of wrong answers, and the share of right ones, by stretch of steps."""
    step = pl.col("step")
    first, last = rollouts.select(first=step.min().fill_null(0), last=step.max().fill_null(0)).row(0)
    width = max(1, -(-(last - first + 1) // points))
    middle = (step - first) // width * width + first + (width - 1) / 2
    return (
        rollouts.filter(pl.col("right").is_not_null())
        .group_by(middle.alias("step"), "verdict")
        .agg(weight=pl.col("weight").mean(), n=pl.len())
        .with_columns(share=pl.col("n") / pl.col("n").sum().over("step"))
        .sort("step", "verdict")
    )
