"""Stage `questioner`: let an iteration's Questioner learn from what the frozen Solver's votes say."""

from __future__ import annotations

from functools import partial
from typing import Any

import polars as pl

from vzero.config import Params, SelfPlay
from vzero.methods.base import Sample
from vzero.methods.questioner import Questioner
from vzero.paths import Paths
from vzero.prompts.views import Picture
from vzero.selfplay.chain import earlier_stems, hand_on, iteration_of, model_in, stopped
from vzero.selfplay.images import Photograph, image_index, load_photographs
from vzero.selfplay.training import Lessons, learn


def run(params: Params, paths: Paths, iteration: str) -> dict[str, Any]:
    """Write the Questioner with its rollouts and log. After a stop, or without steps, it is handed on."""
    start, settings = iteration_of(params, iteration), params.selfplay
    target, timings = (place("questioner", iteration) for place in (paths.selfplay, paths.selfplay_timings))
    model, solver = (model_in(paths, folder) for folder in (start.questioner, start.solver))
    role, reason = settings.questioner, stopped(paths.resolve(start.solver))
    if reason or not role.steps:
        return hand_on(model, target, timings, reason)
    method = Questioner(settings.questioner_method(), earlier_stems(paths, start.solver))
    base = model_in(paths, settings.iterations["1"].questioner)
    lessons = Lessons(
        name=f"questioner-{iteration}",
        code=__name__,
        folders={"student": model, "teacher": solver, "reference": base if role.kl_to == "base" else model},
        data=[paths.photographs],
        index=image_index(paths).with_columns(sample_id="image_id"),
        sized=partial(_sized, settings=settings),
        load=partial(_load, paths, settings),
        target=target,
        timings=timings,
    )
    training = params.model_copy(update={"train": role.training(method.settings)})
    return learn(training, paths, method, lessons)


def _load(paths: Paths, settings: SelfPlay, rows: pl.DataFrame) -> list[Sample]:
    return [each.sample for each in load_photographs(paths, rows, settings)]


def _sized(row: dict[str, Any], settings: SelfPlay) -> Sample:
    picture = Picture(row["image_id"], row["width"], row["height"])
    if settings.keep.label == "full":
        return Photograph(picture).sample
    side = settings.windows.side
    window = Picture("window", min(side, picture.width), min(side, picture.height))
    return Photograph(picture, window).sample
