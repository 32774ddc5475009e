"""Predictions as the report reads them: under the view a model is judged by, one number an item."""

from __future__ import annotations

import numpy as np
import polars as pl

from vzero.evaluate.score import WHOLE
from vzero.evaluate.score.predictions import STRATA, stratum_weights
from vzero.evaluate.views import headline
from vzero.report.names import headline_aggregate


def answered(predictions: pl.DataFrame, model: str, benchmark: str) -> pl.DataFrame:
    """One row an item, sorted, for the view that `model` is judged by; `hit` is the mean over seeds.

    Columns item, hit, group, category, answer, cycle, source, l2_category.
    """
    return (
        headline(predictions)
        .filter(pl.col("model") == model, pl.col("benchmark") == benchmark)
        .group_by("item")
        .agg(
            pl.col("hit").cast(pl.Float64).mean(),
            pl.col("group", "category", "answer", "cycle", "source", "l2_category").first(),
        )
        .sort("item")
    )


def counted(items: pl.DataFrame, benchmark: str) -> pl.DataFrame:
    """Rows of `answered` with `weight`: the mean of weight times hit is the benchmark's headline number.

    Items asked outside the cycles of a benchmark that has them are left out, as toolkits leave them out.
    """
    column = STRATA.get(headline_aggregate(benchmark))
    if column == "cycle" and items[column].null_count() < items.height:
        items = items.filter(pl.col(column).is_not_null())
    labels = items[column].to_numpy() if column else np.zeros(items.height)
    return items.with_columns(weight=pl.Series(stratum_weights(labels, len(np.unique(labels)))))


def headline_scores(scores: pl.DataFrame) -> pl.DataFrame:
    """Rows with the headline aggregate of their benchmark, all categories and views."""
    names = scores["benchmark"].unique().to_list()
    wanted = pl.DataFrame(
        {"benchmark": names, "wanted": [headline_aggregate(name) for name in names]},
        schema={"benchmark": pl.String, "wanted": pl.String},
    )
    return (
        scores.join(wanted, on="benchmark", maintain_order="left")
        .filter(pl.col("aggregate").cast(pl.String) == pl.col("wanted"))
        .drop("wanted")
    )


def whole_scores(scores: pl.DataFrame) -> pl.DataFrame:
    """The headline number of each model, benchmark and view."""
    return headline_scores(scores).filter(pl.col("category") == WHOLE)


def replies(predictions: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Answers in the shape of `vzero.evaluate.stored.Stored`, one row a seed, with columns of both tables.

    Beside those columns it has model, seed, reader, hit, resolved, finish_reason and the item's `kind`.
    """
    asked = items.select("benchmark", "item", "question", "options", "kind", "answer_type")
    return headline(predictions).join(asked, on=["benchmark", "item"], how="left", maintain_order="left")


def choices(replies: pl.DataFrame) -> pl.DataFrame:
    """Those of `replies` to questions with options."""
    return replies.filter(pl.col("kind") == "choice")
