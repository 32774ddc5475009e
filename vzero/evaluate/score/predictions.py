"""From hits on our own items to accuracies with intervals by category."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from vzero.benchmarks.catalogue import CATALOGUE
from vzero.benchmarks.declaration import Aggregate
from vzero.evaluate.statistics import accuracy_interval
from vzero.tables import Scores

WHOLE = "all"  # the category that stands for the whole benchmark
# Columns whose values' means are averaged; rows without a value are left out.
STRATA: dict[Aggregate, str] = {"cyclic": "cycle", "source_mean": "source", "l2_macro": "l2_category"}


def score(predictions: pl.DataFrame, *, resamples: int, confidence: float, seed: int) -> pl.DataFrame:
    """Accuracy, interval and unresolved share by category: tables.Predictions in, tables.Scores out.

    Answers under several seeds are pooled: an item counts by its share of hits. Every aggregate that the
    benchmark declares has its rows. `cyclic` is the mean over orders of each order's mean, as VLMEvalKit
    averages HR-Bench: rows without an order are left out, and an order that lacks a category counts as zero
    for it. With complete data this is the plain mean; copies without any order get that.
    """
    rows = [
        _score_row(part, weights, key | {"category": category}, resamples, confidence, seed)
        for key, answers in _by_aggregate(predictions)
        for category, part, weights in _categories(answers, key["aggregate"])
    ]
    return Scores.cast(pl.DataFrame(rows, infer_schema_length=None)).sort(Scores.primary_key())


def _by_aggregate(predictions: pl.DataFrame) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    """One benchmark under one view and one aggregate at a time, rows in the order of items and seeds."""
    names = ["model", "benchmark", "view"]
    for key, rows in predictions.sort("item", "seed").group_by(names, maintain_order=True):
        model, benchmark, view = map(str, key)
        declared = CATALOGUE[benchmark].aggregates
        for aggregate in declared:
            counted = rows
            if aggregate == "cyclic" and rows["cycle"].null_count() < len(rows):
                counted = rows.filter(pl.col("cycle").is_not_null())
            yield (
                {
                    "model": model,
                    "benchmark": benchmark,
                    "view": view,
                    "aggregate": aggregate,
                    "reader": "+".join(sorted(rows["reader"].unique())),
                },
                counted,
            )


def _categories(rows: pl.DataFrame, aggregate: Aggregate) -> Iterator[tuple[str, pl.DataFrame, np.ndarray]]:
    """The whole and each category, with what each answer counts."""
    column = STRATA.get(aggregate)
    labels = rows[column].to_numpy() if column else np.zeros(len(rows))
    yield WHOLE, rows, stratum_weights(labels, len(np.unique(labels)))
    for category in sorted(rows["category"].unique()):
        part = rows.filter(pl.col("category") == category)
        labels_here = part[column].to_numpy() if column else np.zeros(len(part))
        # Only HR-Bench divides a category by strata that lack it.
        strata = labels if aggregate == "cyclic" else labels_here
        yield category, part, stratum_weights(labels_here, len(np.unique(strata)))


def stratum_weights(labels: np.ndarray, strata: int) -> np.ndarray:
    """What each hit counts, so that the mean of weighted hits is the mean over `strata` of their means."""
    _, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return len(labels) / (strata * counts[index])


def _score_row(
    part: pl.DataFrame, weights: np.ndarray, key: dict[str, Any], resamples: int, confidence: float, seed: int
) -> dict[str, Any]:
    weighted = part.with_columns(counts=pl.col("hit") * pl.Series(weights))
    items = weighted.group_by("item", maintain_order=True).agg(
        pl.col("group").first(), pl.col("counts").mean()
    )
    accuracy = accuracy_interval(
        items["counts"].to_numpy(),
        items["group"].to_numpy(),
        resamples=resamples,
        confidence=confidence,
        seed=seed,
    )
    by_seed = weighted.group_by("seed", maintain_order=True).agg(pl.col("counts").mean())["counts"]
    return key | {
        "n": len(items),
        "seeds": len(by_seed),
        "accuracy": accuracy.value,
        "low": accuracy.low,
        "high": accuracy.high,
        "seed_deviation": by_seed.std(),
        "unresolved": 1 - float(part["resolved"].to_numpy().mean()),
    }
