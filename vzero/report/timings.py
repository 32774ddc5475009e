"""How long a run took, from the timings tables: for a file beside the report, never for the page."""

from __future__ import annotations

import polars as pl

from vzero.config import Params
from vzero.paths import Paths
from vzero.shards import read
from vzero.tables import EvaluateTimings, TrainTimings


def read_timings(params: Params, paths: Paths) -> dict[str, dict[str, float]]:
    """Seconds: of `train` by phase, summed over the steps, and of `evaluate` by model and benchmark. With the
    peak memory of `train` in MiB.

    Raises ProjectError for the table of a stage that has not run.
    """
    steps = read(paths.train_timings, TrainTimings).select(
        pl.col("^.*_seconds$").cast(pl.Float64).sum(), pl.col("peak_memory").cast(pl.Float64).max()
    )
    cells = [(model, name) for model in params.evaluate.models for name in params.evaluate.benchmarks]
    answers = {
        f"{model}-{name}": read(paths.evaluate_timings(model, name), EvaluateTimings, ["seconds"])
        for model, name in cells
    }
    return {
        "train": steps.row(0, named=True),
        "evaluate": {cell: float(table["seconds"].cast(pl.Float64).sum()) for cell, table in answers.items()},
    }
