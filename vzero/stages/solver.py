"""Stage `solver`: let an iteration's Solver learn the labels that votes gave to written questions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from vzero.config import Params, SelfPlay
from vzero.methods.base import Sample
from vzero.methods.solver import Solver
from vzero.paths import Paths
from vzero.prompts.roles import boxed_view
from vzero.prompts.views import FULL, Picture, full_view
from vzero.selfplay.chain import STEMS, hand_on, iteration_of, model_in, stopped
from vzero.selfplay.images import image_index, load_pictures
from vzero.selfplay.labels import solver_set
from vzero.selfplay.signs import conflict_sign
from vzero.selfplay.training import Lessons, learn
from vzero.shards import frame_of, read
from vzero.tables import Questions, SolverSet, Stems, Votes


def run(params: Params, paths: Paths, iteration: str) -> dict[str, Any]:
    """Write the Solver with its set, rollouts and log. Without enough to learn it is handed on untrained."""
    start, settings = iteration_of(params, iteration), params.selfplay
    target, timings = (place("solver", iteration) for place in (paths.selfplay, paths.selfplay_timings))
    model = model_in(paths, start.solver)
    questions = read(paths.selfplay("questions", iteration) / "questions", Questions)
    votes = read(paths.selfplay("votes", iteration) / "votes", Votes)
    reason = stopped(paths.selfplay("votes", iteration)) or _sign(votes, settings)
    labelled = solver_set(questions, votes, settings)
    kept = labelled.filter("kept")
    tables = {
        "solver_set": (labelled, SolverSet),
        STEMS: (_stems(paths, start.solver, labelled), Stems),
    }
    role = settings.solver
    if reason is None and kept.height < role.prompts:
        reason = f"{kept.height} questions are worth learning, fewer than a step's {role.prompts}"
    if reason is not None:
        return hand_on(model, target, timings, reason, tables)
    method = Solver(settings.solver_method())
    base = model_in(paths, settings.iterations["1"].solver)
    sizes = image_index(paths).select("image_id", "width", "height", "file")
    lessons = Lessons(
        name=f"solver-{iteration}",
        code=__name__,
        folders={"student": model, "reference": base if role.kl_to == "base" else model},
        data=[paths.photographs, *(paths.selfplay(each, iteration) for each in ("questions", "votes"))],
        index=kept.join(sizes, on="image_id").with_columns(sample_id="question_id").sort("sample_id"),
        sized=partial(_sample, settings=settings),
        load=partial(_load, paths, settings),
        target=target,
        timings=timings,
        tables=tables,
    )
    training = params.model_copy(update={"train": role.training(method.settings)})
    found = learn(training, paths, method, lessons)
    return found | {"kept": kept.height / max(labelled.height, 1)}


def _sign(votes: pl.DataFrame, settings: SelfPlay) -> str | None:
    """A reason to stop for, where `on_collapse` says so; else it is printed."""
    sign = conflict_sign(votes)
    if sign is not None and settings.solver.on_collapse == "warn":
        Console().print(f"solver: warning: {sign}", soft_wrap=True)
        return None
    return sign


def _stems(paths: Paths, before: Path, labelled: pl.DataFrame) -> pl.DataFrame:
    folder = paths.resolve(before) / STEMS
    earlier = [read(folder, Stems)] if folder.is_dir() else []
    own = frame_of(labelled.select("question_id", "question").to_dicts(), Stems)
    return pl.concat([*earlier, own])


def _load(paths: Paths, settings: SelfPlay, rows: pl.DataFrame) -> list[Sample]:
    pictures = load_pictures(paths, rows.unique("image_id"))
    return [
        _sample(row, settings=settings, picture=pictures[row["image_id"]])
        for row in rows.iter_rows(named=True)
    ]


def _sample(row: dict[str, Any], settings: SelfPlay, picture: Picture | None = None) -> Sample:
    """What the Solver is shown: the whole image, whatever the label was read off."""
    seen = picture or Picture(row["image_id"], row["width"], row["height"])
    view_of = boxed_view if settings.voting.words == "boxed" else full_view
    view = view_of(row["question"], row["options"], [seen], row=row["sample_id"])
    return Sample(row["sample_id"], {FULL: (view,)}, tuple(row["options"]), row["label"], row["weight"])
