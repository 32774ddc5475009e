"""Counting by source: one row a level of a figure, in the shape of `tables.Quality`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

COLUMNS = ["source", "figure", "level", "position", "low", "high", "count"]


def ranges(frame: pl.DataFrame, figure: str, value: pl.Expr, edges: Sequence[float]) -> pl.DataFrame:
    """Rows of `frame` by the range their value lies in: low <= value < high, empty ranges too.

    `edges` rise; the last range has no upper end, and values below the first edge count into the first
    range. Rows without a value are left out.
    """
    lows = pl.Series([float(edge) for edge in edges])
    bins = pl.DataFrame(
        {
            "level": [_spell(low, high) for low, high in pairwise(edges)] + [f"from {edges[-1]:g}"],
            "position": range(len(edges)),
            "low": lows,
            "high": [float(edge) for edge in edges[1:]] + [None],
        },
        schema_overrides={"position": pl.Int32, "high": pl.Float64},
    )
    known = frame.select("source", value=value.cast(pl.Float64)).drop_nulls()
    position = (lows.search_sorted(known["value"], side="right").cast(pl.Int32) - 1).clip(0)
    counted = known.select("source", position=position).group_by("source", "position").agg(count=pl.len())
    every = known.select("source").unique().join(bins, how="cross")
    whole = every.join(counted, on=["source", "position"], how="left")
    return rows(whole.with_columns(pl.col("count").fill_null(0)), figure)


def _spell(low: float, high: float) -> str:
    """A range in words: of whole numbers, one that holds a single one is that number."""
    if isinstance(low, int) and high == low + 1:
        return f"{low}"
    return f"{low:g} to {high:g}"


def levels(frame: pl.DataFrame, figure: str, level: pl.Expr) -> pl.DataFrame:
    """Rows of `frame` by a text, the commonest first."""
    named = frame.select("source", level=level.cast(pl.String))
    counted = named.group_by("source", "level").agg(count=pl.len())
    ordered = counted.sort("source", "count", "level", descending=[False, True, False])
    position = pl.int_range(pl.len(), dtype=pl.Int32).over("source")
    return rows(ordered.with_columns(position=position), figure)


def rows(frame: pl.DataFrame, figure: str) -> pl.DataFrame:
    """Rows of `tables.Quality`: `frame` has source, level, position and count, and low and high of ranges."""
    missing = [pl.lit(None, pl.Float64).alias(name) for name in ("low", "high") if name not in frame.columns]
    named = frame.with_columns(pl.lit(figure).alias("figure"), pl.col("count").cast(pl.Int64), *missing)
    return named.select(COLUMNS)
