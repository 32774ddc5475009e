"""What the report reads: every table of a finished run, without the columns that weigh."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from vzero import tables
from vzero.config import Params
from vzero.errors import ProjectError
from vzero.paths import Paths
from vzero.shards import read, scan

CROP_COLUMNS = ["sample_id", "fallback", "strategy"]
IMAGE_COLUMNS = ["image_id", "width", "height"]
ITEM_COLUMNS = ["benchmark", "item", "question", "options", "kind", "answer_type"]


@dataclass(frozen=True)
class Inputs:
    params: Params
    images: pl.DataFrame
    samples: pl.DataFrame
    rejects: pl.DataFrame
    crops: pl.DataFrame
    rollouts: pl.DataFrame
    """Without token ids and log-probs; `length` is the number of tokens."""
    train_log: pl.DataFrame
    items: pl.DataFrame
    """Of the evaluated benchmarks, without their pictures."""
    overlaps: pl.DataFrame
    predictions: pl.DataFrame
    scores: pl.DataFrame
    train_summary: dict[str, Any]

    @property
    def gated(self) -> bool:
        """Whether the gate was on: what ran, because params may leave it to the recipe."""
        return bool(self.train_summary.get("method", {}).get("gate", {}).get("enabled"))


def read_inputs(params: Params, paths: Paths) -> Inputs:
    """Read the tables of a project. Raises ProjectError for the table of a stage that has not run."""
    cells = [
        (model, benchmark) for model in params.evaluate.models for benchmark in params.evaluate.benchmarks
    ]
    rollouts = scan(paths.rollouts, tables.Rollouts).select(
        "step",
        "sample_id",
        "member",
        "text",
        "finish_reason",
        "weight",
        # An answer that is not compared with its siblings stands at their mean.
        pl.col("evidence_score", "advantage").fill_null(0.0),
        length=pl.col("token_ids").list.len().cast(pl.Int32),
    )
    return Inputs(
        params=params,
        images=read(paths.images, tables.Images, IMAGE_COLUMNS),
        samples=read(paths.samples, tables.Samples).sort("sample_id"),
        rejects=read(paths.rejects, tables.Rejects),
        crops=read(paths.crops, tables.Crops, CROP_COLUMNS),
        rollouts=rollouts.collect(),
        train_log=read(paths.train_log, tables.TrainLog).sort("step"),
        items=scan(paths.benchmark_items, tables.BenchmarkItems, ITEM_COLUMNS)
        .filter(pl.col("benchmark").is_in(params.evaluate.benchmarks))
        .collect(),
        overlaps=read(paths.overlaps, tables.Overlaps),
        predictions=pl.concat(read(paths.predictions(*cell), tables.Predictions) for cell in cells),
        scores=pl.concat(read(paths.scores(*cell), tables.Scores) for cell in cells),
        train_summary=_read_json(paths.train_summary),
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ProjectError(f"{path}: no summary there; run the stage that writes it first")
    return json.loads(path.read_text())
