"""The headline table: accuracy of every model on every benchmark, and what it differs from base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from vzero.config import EVALUATED_MODELS, Evaluate
from vzero.evaluate.statistics import POINTS, bootstrap_mean, mean_paired_difference
from vzero.evaluate.views import CROP, FULL, headline
from vzero.report.answers import answered, counted, whole_scores
from vzero.report.names import REGION_BENCHMARKS, REGIONS
from vzero.tables import Summary

DIGITS = 6  # of the metrics file: enough for any comparison, stable to print


def summarise(
    predictions: pl.DataFrame, scores: pl.DataFrame, evaluate: Evaluate, models: Sequence[str]
) -> pl.DataFrame:
    """The summary in tables.Summary, in the order of the models and of `evaluate.benchmarks`.

    Accuracies and intervals of single benchmarks are those of the scores table, by the aggregate that the
    benchmark names first; `regions` is the mean over the evaluated embedded region benchmarks. Deltas are
    paired on the items, which every model must have answered, and weigh them as the accuracy does.
    """
    regions = [name for name in evaluate.benchmarks if name in REGION_BENCHMARKS]
    rows = []
    for model in models:
        for benchmark in evaluate.benchmarks:
            row = _benchmark_row(scores, model, benchmark)
            rows.append(row | _delta(predictions, model, models, [benchmark], evaluate))
        if regions:
            row = _regions_row(predictions, model, regions, evaluate)
            rows.append(row | _delta(predictions, model, models, regions, evaluate))
    return Summary.validate(pl.DataFrame(rows, infer_schema_length=None), cast=True)


def _benchmark_row(scores: pl.DataFrame, model: str, benchmark: str) -> dict[str, Any]:
    found = headline(whole_scores(scores)).filter(pl.col("model") == model, pl.col("benchmark") == benchmark)
    if found.height != 1:
        raise ValueError(f"expected one score of {model} on {benchmark}, found {found.height}")
    return found.select("model", "benchmark", "n", "accuracy", "low", "high").row(0, named=True)


def _regions_row(
    predictions: pl.DataFrame, model: str, regions: Sequence[str], evaluate: Evaluate
) -> dict[str, Any]:
    parts = [counted(answered(predictions, model, benchmark), benchmark) for benchmark in regions]
    mean = bootstrap_mean(
        [((part["hit"] * part["weight"]).to_numpy(), part["group"].to_numpy()) for part in parts],
        **_settings(evaluate),
    )
    total = sum(part.height for part in parts)
    return {
        "model": model,
        "benchmark": REGIONS,
        "n": total,
        "accuracy": mean.value,
        "low": mean.low,
        "high": mean.high,
    }


def _delta(
    predictions: pl.DataFrame,
    model: str,
    models: Sequence[str],
    benchmarks: Sequence[str],
    evaluate: Evaluate,
) -> dict[str, float | None]:
    if model == "base" or "base" not in models:
        return {"delta": None, "delta_low": None, "delta_high": None}
    strata = [paired_hits(predictions, model, benchmark) for benchmark in benchmarks]
    gain = mean_paired_difference(strata, **_settings(evaluate))
    return {"delta": gain.delta, "delta_low": gain.low, "delta_high": gain.high}


def paired_hits(
    predictions: pl.DataFrame, model: str, benchmark: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted hits of base and of the model, and groups, by item. Raises ValueError when items differ."""
    base = counted(answered(predictions, "base", benchmark), benchmark)
    other = counted(answered(predictions, model, benchmark), benchmark)
    if base["item"].to_list() != other["item"].to_list():
        raise ValueError(f"base and {model} answered different items of {benchmark}: evaluate both again")
    weight = base["weight"]
    return (
        (base["hit"] * weight).to_numpy(),
        (other["hit"] * weight).to_numpy(),
        base["group"].to_numpy(),
    )


def _settings(evaluate: Evaluate) -> dict[str, Any]:
    return {"resamples": evaluate.resamples, "confidence": evaluate.confidence, "seed": evaluate.seed}


def view_comparison(scores: pl.DataFrame) -> pl.DataFrame:
    """Accuracies of the full view and of the crop alone, for models that were asked under both.

    Columns benchmark, model, n, full, crop, difference (crop minus full, in points).
    """
    whole = whole_scores(scores)
    keys = ["benchmark", "model"]
    full = whole.filter(pl.col("view") == FULL).select(*keys, "n", full="accuracy")
    crop = whole.filter(pl.col("view") == CROP).select(*keys, crop="accuracy")
    return (
        full.join(crop, on=keys)
        .with_columns(difference=POINTS * (pl.col("crop") - pl.col("full")))
        .sort("benchmark", pl.col("model").cast(pl.Enum(EVALUATED_MODELS)))
    )


def metrics(summary: pl.DataFrame) -> dict[str, float]:
    """The summary as flat numbers for `dvc metrics`: accuracies are fractions, deltas are points."""
    flat: dict[str, float] = {}
    for row in summary.iter_rows(named=True):
        name = f"{row['model']}_{row['benchmark']}"
        flat[f"{name}_accuracy"] = round(row["accuracy"], DIGITS)
        for column in ("delta", "delta_low", "delta_high"):
            if row[column] is not None:
                flat[f"{name}_{column}"] = round(row[column], DIGITS)
    return flat
