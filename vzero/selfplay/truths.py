"""What is true of written questions, where that can be known: for the audit alone. No stage imports this."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from vzero.config.selfplay import Photographs
from vzero.geometry import Box
from vzero.needle.lessons import objects_inside
from vzero.needle.player_questions import family_of, named_in, truth_of
from vzero.needle.scenes import Scene
from vzero.selfplay.gathering import drawn
from vzero.selfplay.played import Played


@dataclass(frozen=True)
class Truth:
    """Of a question, by the whole image."""

    answer: str | None
    """The right option's text; None where none is right."""
    in_window: bool | None
    """Whether all that the question names is whole in its window; None where it names nothing or has no
    window."""


def drawn_scenes(places: Iterable[Photographs]) -> dict[str, Scene]:
    """The scenes of places that the embedded world draws, by image id."""
    return {
        hashlib.sha256(data).hexdigest(): scene
        for place in places
        if place.kind == "needle"
        for scene, data in drawn(place.scenes)
    }


def known_truths(iterations: Iterable[Played], places: Iterable[Photographs]) -> dict[str, Truth]:
    """By question_id, of all questions whose truth is known."""
    scenes = drawn_scenes(places)
    return {name: truth for one in iterations for name, truth in truths(one.questions, scenes).items()}


def truths(questions: pl.DataFrame, scenes: Mapping[str, Scene]) -> dict[str, Truth]:
    """By question_id, of rows of `tables.Questions` about known scenes in words of the embedded world.

    In a question that names what is not there, or whose answer is not offered, no option is right.
    """
    found: dict[str, Truth] = {}
    for row in questions.filter(status="ok").iter_rows(named=True):
        scene, stem = scenes.get(row["image_id"]), row["question"]
        if scene is not None and family_of(stem) is not None:
            answer = truth_of(scene, stem)
            offered = answer if answer in row["options"] else None
            found[row["question_id"]] = Truth(offered, _in_window(scene, stem, row["window"]))
    return found


def _in_window(scene: Scene, stem: str, window: Box | None) -> bool | None:
    names = set(named_in(stem))
    if window is None or not names:
        return None
    return names <= {item.name for item in objects_inside(scene, window, scale=1)}
