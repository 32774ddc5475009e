"""What the benchmarks of a run could show at all: paired tests against base, and detectable differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from vzero.config import Evaluate
from vzero.evaluate.comparison import comparison, matched
from vzero.report.answers import answered


def sensitivity_rows(
    predictions: pl.DataFrame, models: Sequence[str], evaluate: Evaluate
) -> list[dict[str, Any]]:
    """Rows of `vzero.evaluate.comparison.comparison` with `model`, one a benchmark and model beside base.

    Items count alike here, so where a benchmark's headline is no plain mean, `delta` may differ from it.
    """
    if "base" not in models:
        return []
    return [
        {"model": model} | _against_base(predictions, model, benchmark, evaluate)
        for benchmark in evaluate.benchmarks
        for model in models
        if model != "base"
    ]


def _against_base(
    predictions: pl.DataFrame, model: str, benchmark: str, evaluate: Evaluate
) -> dict[str, Any]:
    # One category: the page shows the categories of the scores, and every further row costs a bootstrap.
    base, other = (
        answered(predictions, name, benchmark).with_columns(benchmark=pl.lit(benchmark), category=pl.lit(""))
        for name in ("base", model)
    )
    table = comparison(
        matched(base, other).rows,
        resamples=evaluate.resamples,
        confidence=evaluate.confidence,
        seed=evaluate.seed,
    )
    return table.row(0, named=True)
