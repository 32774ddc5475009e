"""Make the trained student the promoted one, unless it answers fewer of the held-out dev questions right.

Not a stage of the graph: the retrain flow runs it afterwards, and what was promoted outlives the next run.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from vzero import shards
from vzero.commands.handed_over import write_handed_over_card
from vzero.config import SOLVERS, Params
from vzero.errors import ChangedError, ConfigError, ProjectError
from vzero.evaluate.asked import Asked, Part
from vzero.evaluate.predict import ask_all, stored_model
from vzero.evaluate.reading import graded_as_declared
from vzero.evaluate.statistics import paired_difference, side_of_zero
from vzero.locks import held
from vzero.models.hashing import folder_hash
from vzero.paths import Paths
from vzero.prompts.views import Picture, full_view
from vzero.tables import SHOWN_IMAGES, Images, Promotions, Samples

DEV = "dev"  # in the place of a benchmark's name
# Candidates are compared by their likeliest answers, however benchmarks are sampled.
GREEDY = {"temperature": 0.0, "top_p": 1.0, "top_k": 0, "seeds": (0,)}


def run(params: Params, paths: Paths, model: str = "trained") -> dict[str, Any]:
    """Compare a model with the promoted student (or the untouched one); promote it unless below.

    `model` is `trained`, or a Solver of self-play. The summary's `outcome` is promoted, kept or unchanged,
    and `reason` says why.
    """
    candidate = _candidate(paths, model)
    with held(paths.promoted):  # two that decide at once would compare with the same previous model
        shards.put_back(paths.promoted_model)
        summary = _decide(params, paths, candidate)
        shards.write_json(paths.promote_summary, summary)
    return summary


def _candidate(paths: Paths, model: str) -> Path:
    if model == "trained":
        folder, stage = paths.trained_model, "train"
    elif model in SOLVERS:
        folder, stage = paths.solver_model(model), "solver"
    else:
        raise ConfigError(f"unknown model {model!r}: allowed: trained, solver-1 and so on")
    if not folder.is_dir():
        raise ProjectError(f"{folder}: no trained model; run {stage} first")
    return folder


def _decide(params: Params, paths: Paths, candidate: Path) -> dict[str, Any]:
    model_hash = folder_hash(candidate)
    previous = "promoted" if paths.promoted_model.is_dir() else "base"
    previous_folder = paths.promoted_model if previous == "promoted" else paths.resolve(params.models.student)
    previous_hash = folder_hash(previous_folder)
    if previous == "promoted" and previous_hash == model_hash:
        return {"outcome": "unchanged", "reason": "the trained model is the promoted one"}
    questions = _dev_questions(paths)
    if questions.is_empty():
        return {"outcome": "kept", "reason": "no dev sample has options and an answer to compare by"}
    comparison = {
        "model_hash": model_hash,
        "previous": previous,
        "previous_hash": previous_hash,
        **_compare(params, paths, questions, {"new": candidate, "previous": previous_folder}),
    }
    reason = f"the trained model is {_against(comparison)} the {previous} one"
    if comparison["delta"] < 0:
        return {"outcome": "kept", "reason": reason} | comparison
    _promote(paths, candidate, comparison)
    return {"outcome": "promoted", "reason": reason} | comparison


def _against(comparison: dict[str, Any]) -> str:
    """What the interval says: better or worse only where it leaves out zero."""
    side = side_of_zero(comparison["delta_low"], comparison["delta_high"])
    if side:
        return "better than" if side > 0 else "worse than"
    place = "below" if comparison["delta"] < 0 else "not below"
    return f"not distinguishable from, and {place},"


def _dev_questions(paths: Paths) -> pl.DataFrame:
    """Dev samples that can be graded, by id; none in a project of images alone."""
    columns = ["sample_id", "image_id", "more_image_ids", "question", "options", "answer", "split"]
    if not paths.samples.is_dir():
        return Samples.create_empty().select(columns)
    samples = shards.scan(paths.samples, Samples, columns)
    graded = samples.filter(
        pl.col("split") == "dev", pl.col("answer").is_not_null(), pl.col("options").list.len() > 0
    )
    return graded.sort("sample_id").collect()


def _compare(
    params: Params, paths: Paths, questions: pl.DataFrame, folders: Mapping[str, Path]
) -> dict[str, Any]:
    """Accuracies of both models on the same questions, and their paired difference in points."""
    settings = params.evaluate
    part = _asked(paths, questions)
    hits = {name: _hits(params, paths, questions, part, folder) for name, folder in folders.items()}
    difference = paired_difference(
        hits["previous"],
        hits["new"],
        questions["image_id"],
        resamples=settings.resamples,
        confidence=settings.confidence,
        seed=settings.seed,
    )
    return {
        "n": len(questions),
        "accuracy": hits["new"].mean(),
        "previous_accuracy": hits["previous"].mean(),
        "delta": difference.delta,
        "delta_low": difference.low,
        "delta_high": difference.high,
    }


def _asked(paths: Paths, questions: pl.DataFrame) -> Part:
    """The questions as training words them, each about its full images."""
    images = shards.scan(paths.images, Images, ["image_id", "bytes", "width", "height"])
    ids = questions.select(SHOWN_IMAGES).to_series()
    shown = images.filter(pl.col("image_id").is_in(ids.explode().to_list())).collect()
    sizes = {name: Picture(name, *sides) for name, *sides in shown.drop("bytes").iter_rows()}
    asked = [
        Asked(
            DEV,
            row["sample_id"],
            0,
            full_view(
                row["question"],
                row["options"],
                [sizes[image_id] for image_id in of_row],
                row=f"{DEV} {row['sample_id']}",
            ),
        )
        for row, of_row in zip(questions.iter_rows(named=True), ids.to_list(), strict=True)
    ]
    return Part(tuple(asked), lambda: dict(shown.select("image_id", "bytes").iter_rows()))


def _hits(params: Params, paths: Paths, questions: pl.DataFrame, part: Part, folder: Path) -> pl.Series:
    """Whether the model in `folder` answers each question right, in the order of the questions."""
    stored = stored_model(folder, params, paths)
    greedy = params.evaluate.model_copy(update=GREEDY)
    replies = ask_all([part], stored, paths.replies(DEV, stored.hash), greedy, f"{folder.name} on dev")
    rows = questions.with_columns(
        replies["text"], replies["finish_reason"], benchmark=pl.lit(DEV), answer_type=pl.lit("")
    )
    return graded_as_declared(rows, params.evaluate.reader)["hit"]


def _promote(paths: Paths, candidate: Path, comparison: dict[str, Any]) -> None:
    """Record the promotion and, last, put the model in place: a record without its model is redone."""
    row = pl.DataFrame([comparison | {"promoted_at": datetime.now(UTC)}])
    history = Promotions.cast(row)
    if paths.promotion_history.exists():
        earlier = shards.read(paths.promotion_history, Promotions)
        if earlier["model_hash"][-1] == comparison["model_hash"]:
            # Its model would have been found in place: a kill came before that.
            earlier = earlier[:-1]
        history = pl.concat([earlier, history])
    with shards.atomic_folder(paths.promoted_model) as staging:
        shutil.copytree(candidate, staging, dirs_exist_ok=True)
        if folder_hash(staging) != comparison["model_hash"]:
            raise ChangedError(f"{candidate}: replaced meanwhile; run the same command again")
        write_handed_over_card(staging, paths)
        shards.write_table(paths.promotion_history, history, Promotions)
        shards.write_json(paths.promotion, comparison)
