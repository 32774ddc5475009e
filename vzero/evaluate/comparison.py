"""Two models on the same items: paired differences, and what the items could show at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from vzero.errors import SourceError
from vzero.evaluate.score import WHOLE
from vzero.evaluate.significance import mcnemar, smallest_detectable
from vzero.evaluate.statistics import POINTS, paired_difference


@dataclass(frozen=True)
class Pairs:
    """Items that both answered, with `hit` and `hit_other`, and how many only one has."""

    rows: pl.DataFrame
    only_one: int
    only_other: int


def matched(one: pl.DataFrame, other: pl.DataFrame) -> Pairs:
    """Rows of `reading.graded` on both sides, matched by benchmark and item.

    Raises SourceError when no item is on both sides, or when the sides have other answers to one.
    """
    keys = ["benchmark", "item"]
    added = other.select(*keys, hit_other="hit", answer_other="answer")
    rows = one.join(added, on=keys, how="inner", maintain_order="left")
    if rows.is_empty():
        raise SourceError(f"no item is on both sides: {_content(one)} against {_content(other)}")
    apart = rows.filter(pl.col("answer") != pl.col("answer_other"))
    if apart.height:
        raise SourceError(
            f"not the same questions: the right answers to {apart.height:,} items differ, "
            f"such as {apart['benchmark'][0]} {apart['item'][0]}"
        )
    return Pairs(rows, one.height - rows.height, other.height - rows.height)


def _content(side: pl.DataFrame) -> str:
    return f"{side.height:,} items of {', '.join(sorted(side['benchmark'].unique()))}"


def comparison(pairs: pl.DataFrame, *, resamples: int, confidence: float, seed: int) -> pl.DataFrame:
    """One row a benchmark ("all") and each of its categories.

    Columns benchmark, category, n; one, other (fractions); delta, low, high (other minus one, points, with
    the interval of a bootstrap over groups); p (exact McNemar test); detectable (points, four times in five).
    Hits may be shares over several seeds; then there is no p, and detectable follows from the mean square
    of the differences, which for single hits is the share of items that the models differ on.
    """
    table = []
    for benchmark, category, rows in _parts(pairs):
        one, other = (rows[name].cast(pl.Float64).to_numpy() for name in ("hit", "hit_other"))
        difference = paired_difference(
            one, other, rows["group"].to_numpy(), resamples=resamples, confidence=confidence, seed=seed
        )
        discordant = float(np.square(other - one).mean())
        single = bool(np.isin([one, other], (0.0, 1.0)).all())
        table.append(
            {
                "benchmark": benchmark,
                "category": category,
                "n": len(rows),
                "one": float(one.mean()),
                "other": float(other.mean()),
                "delta": difference.delta,
                "low": difference.low,
                "high": difference.high,
                "p": mcnemar(one, other).p_value if single else None,
                "detectable": POINTS * smallest_detectable(len(rows), discordant, confidence=confidence),
            }
        )
    return pl.DataFrame(table)


def _parts(pairs: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    for (benchmark,), rows in pairs.group_by(["benchmark"], maintain_order=True):
        yield str(benchmark), WHOLE, rows
        categories = sorted(rows["category"].unique())
        for category in categories if len(categories) > 1 else []:
            yield str(benchmark), category, rows.filter(pl.col("category") == category)
