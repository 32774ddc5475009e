"""Answer one benchmark with one model, and score the answers. One cell of the evaluation matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from vzero import shards
from vzero.benchmarks.catalogue import CATALOGUE
from vzero.config import Params, check_model
from vzero.errors import ConfigError, ModelError
from vzero.evaluate.item_parts import read_questions
from vzero.evaluate.predict import ask_all, stored_model
from vzero.evaluate.reading import PICTURE_REFUSED, graded_as_declared
from vzero.evaluate.score import WHOLE, score
from vzero.launched import is_first, join
from vzero.paths import Paths
from vzero.tables import REFUSED, EvaluateTimings, Predictions, Scores


def run(params: Params, paths: Paths, model: str, benchmark: str) -> dict[str, Any]:
    """Write `predictions/` and `scores/` of `model` on `benchmark`, and timings apart.

    The summary holds accuracy by view.

    Replies are kept (`Paths.replies`): an interrupted run goes on from its last batch, and replies that are
    only read in another way are not asked for again. Processes that were launched together share the asking;
    the first does the rest. Raises ConfigError for an unknown model or benchmark.
    """
    settings = params.evaluate
    check_model(model)
    if benchmark not in settings.benchmarks:
        allowed = ", ".join(settings.benchmarks)
        raise ConfigError(f"unknown benchmark {benchmark!r}: allowed: {allowed}")
    folder = _model_folder(params, paths, model)
    stored = stored_model(folder, params, paths)
    wording = settings.wording or CATALOGUE[benchmark].wording
    questions, parts = read_questions(paths.items_of(benchmark), model, wording, settings.seeds)
    title = f"{model} on {benchmark}"
    join()
    replies = ask_all(parts, stored, paths.replies(benchmark, stored.hash), settings, title)
    if not is_first():
        return {}
    fixed = {"model": model, "model_hash": stored.hash, "wording": wording}
    predictions = _predictions(questions, replies, fixed, settings.reader)
    _announce_refused(predictions, questions, title)
    scores = score(
        predictions, resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed
    )
    timings = replies.with_columns(model=pl.lit(model), benchmark=pl.lit(benchmark))
    with shards.atomic_folder(paths.evaluate_timings(model, benchmark)) as apart:
        shards.write_table(shards.shard_path(apart, 0), EvaluateTimings.cast(timings), EvaluateTimings)
    with shards.atomic_folder(paths.evaluation(model, benchmark)) as cell:
        shards.write_table(shards.shard_path(cell / "predictions", 0), predictions, Predictions)
        shards.write_table(shards.shard_path(cell / "scores", 0), scores, Scores)
    return _summary(scores, predictions, model, benchmark)


def _model_folder(params: Params, paths: Paths, model: str) -> Path:
    known = {
        "base": paths.resolve(params.models.student),
        "trained": paths.trained_model,
        "teacher": paths.resolve(params.models.teacher),
    }
    folder = known.get(model) or paths.solver_model(model)
    if not folder.is_dir():
        raise ModelError(f"{folder}: no folder there to load the {model} model from")
    return folder


def _predictions(
    questions: pl.DataFrame, replies: pl.DataFrame, fixed: dict[str, str], reader: str | None
) -> pl.DataFrame:
    """Graded rows of tables.Predictions: each reply with its question."""
    first = pl.col("shown").list.first().struct
    rows = replies.join(questions, on=["item", "view"], how="inner", validate="m:1").with_columns(
        image_width=first.field("width"),
        image_height=first.field("height"),
        **{name: pl.lit(value) for name, value in fixed.items()},
    )
    return Predictions.cast(graded_as_declared(rows, reader)).sort(Predictions.primary_key())


def _announce_refused(predictions: pl.DataFrame, questions: pl.DataFrame, title: str) -> None:
    """Name the questions that were not put, because the processor takes none of a picture's shape."""
    refused = predictions.filter(pl.col("finish_reason") == REFUSED).unique(["item", "view"])
    if refused.is_empty():
        return
    shown = dict(zip(questions.select("item", "view").iter_rows(), questions["shown"], strict=True))
    first = refused.sort("item", "view").row(0, named=True)
    sizes = ", ".join(f"{each['width']} x {each['height']}" for each in shown[first["item"], first["view"]])
    Console().print(
        f"{title}: {refused.height:,} of {questions.height:,} questions are not asked, since the model's "
        f"processor refuses the shape of a picture; they count as wrong (rule {PICTURE_REFUSED}; the first: "
        f"item {first['item']}, view {first['view']}, {sizes} pixels)",
        markup=False,
        soft_wrap=True,
    )


def _summary(scores: pl.DataFrame, predictions: pl.DataFrame, model: str, benchmark: str) -> dict[str, Any]:
    """Accuracies by view; `refused` items where there are any."""
    headline = CATALOGUE[benchmark].aggregates[0]
    whole = scores.filter(pl.col("category") == WHOLE, pl.col("aggregate") == headline)
    columns = ["n", "accuracy", "low", "high", "unresolved"]
    views = {row["view"]: {name: row[name] for name in columns} for row in whole.iter_rows(named=True)}
    for (view,), rows in predictions.filter(pl.col("finish_reason") == REFUSED).group_by("view"):
        views[str(view)]["refused"] = rows["item"].n_unique()
    return {"model": model, "benchmark": benchmark, "views": views}
