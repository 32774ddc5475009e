"""Log-probs in rows of `tables.Rollouts`, by who scored them and under which view."""

from __future__ import annotations

import polars as pl


def logprobs(model: str, view: str) -> pl.Expr:
    """A list of log-probs a row, one a token; null where that model did not score it under that view."""
    entry = pl.element()
    wanted = (entry.struct.field("model") == model) & (entry.struct.field("view") == view)
    return pl.col("logprobs").list.eval(entry.filter(wanted)).list.first().struct.field("values")


def token_logprobs(rollouts: pl.DataFrame, model: str, view: str) -> pl.Series:
    """Log-probs of all tokens of the rows that have them, one after the other, float64."""
    found = rollouts.select(logprobs(model, view).alias(view)).drop_nulls().explode(view)
    return found[view].cast(pl.Float64)
