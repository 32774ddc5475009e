"""Lessons of the player, one model for both roles of self-play: to write questions, and to answer them.

It is taught three replies. *ask*: what it sees, a question with its options, and the letter that an
inattentive reader gives. *slow*: what it sees, then the answer. *fast*: the letter alone, an inattentive
reader's. What it sees is listed truly in either; what it says then is not always what it has listed: asked
about an object of an overlooked colour, the slow reader mostly says what is true of the salient object. Such
errors are shared by all its answers to a question, which makes votes as fallible as they are in earnest.

Part of what it is shown are windows: square cut-outs, as they are or enlarged twice. It lists the objects
that are whole in a window, and is asked what the window decides as the whole image does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vzero import imaging
from vzero.imaging import encode_png
from vzero.needle.lessons import Lure, objects_inside
from vzero.needle.player_questions import ask
from vzero.needle.questions import Question
from vzero.needle.scenes import CELL, SIDES, Scene, draw_scene, render
from vzero.needle.written import slowly, written
from vzero.prompts.roles import fast_view, questioner_view
from vzero.prompts.views import Picture, View, full_view

Reply = Literal["ask", "slow", "fast"]
FAMILY_WEIGHTS = {"letter": 5, "shapes": 3, "count": 2, "edge": 3, "corner": 3}
WINDOW_FAMILIES = ("letter", "corner")  # a window may cut off what the others go by
WINDOW_SIDES = (64, 80)  # pixels
ENLARGED_SHARE = 0.5  # of windows
WINDOW_SHARE = 0.25  # of pictures


@dataclass(frozen=True)
class Distraction:
    """How often the player follows the salient object where it suggests another answer."""

    overlooked: tuple[str, ...] = ("blue", "purple")
    """Colours of objects that draw little attention."""
    slow_overlooked: float = 0.8
    slow: float = 0.1
    fast: float = 0.7

    def of_slow(self, question: Question) -> Lure:
        """Of slow answers to a question: a property of what it asks about first."""
        dim = bool(question.named) and question.named[0].colour in self.overlooked
        return Lure(self.slow_overlooked if dim else self.slow)

    @property
    def of_fast(self) -> Lure:
        return Lure(self.fast)


@dataclass(frozen=True)
class Sight:
    """A picture, and what is whole in it."""

    picture: Picture
    scene: Scene  # in the picture's pixels
    families: tuple[str, ...]  # of the questions that it decides


@dataclass(frozen=True)
class PlayerLesson:
    reply: Reply
    view: View
    said: str


def draw_lessons(
    rng: np.random.Generator, replies: Sequence[Reply], distraction: Distraction
) -> list[PlayerLesson]:
    """Lessons of these kinds about one random picture, each about a question of its own."""
    sight = draw_sight(rng, window=bool(rng.random() < WINDOW_SHARE))
    lessons: list[PlayerLesson] = []
    for reply in replies:
        lesson = _lesson(rng, sight, reply, distraction)
        while reply != "ask" and lesson.view in [other.view for other in lessons]:
            lesson = _lesson(rng, sight, reply, distraction)
        lessons.append(lesson)
    return lessons


def _lesson(rng: np.random.Generator, sight: Sight, reply: Reply, distraction: Distraction) -> PlayerLesson:
    question = draw_question(rng, sight)
    asked = (question.text, question.options, [sight.picture])
    if reply == "slow":
        option = distraction.of_slow(question).answer(rng, question)
        return PlayerLesson(reply, full_view(*asked), slowly(sight.scene, question, option))
    guess = distraction.of_fast.answer(rng, question)
    if reply == "fast":
        return PlayerLesson(reply, fast_view(*asked), question.letter_of(guess))
    return PlayerLesson(reply, questioner_view(sight.picture), written(sight.scene, question, guess))


def draw_sight(rng: np.random.Generator, *, window: bool = False) -> Sight:
    """A random scene of the embedded world, or a window of one."""
    scene = draw_scene(rng, side=SIDES["standard"])
    if not window:
        return Sight(Picture.of(encode_png(render(scene))), scene, tuple(FAMILY_WEIGHTS))
    pixels, visible = cut_out(rng, scene)
    return Sight(Picture.of(encode_png(pixels)), visible, WINDOW_FAMILIES)


def draw_question(rng: np.random.Generator, sight: Sight) -> Question:
    """A random question that the picture decides, families by their weights."""
    weights = np.array([FAMILY_WEIGHTS[family] for family in sight.families], dtype=float)
    question = None
    while question is None:
        question = ask(rng, sight.scene, str(rng.choice(sight.families, p=weights / weights.sum())))
    return question


def cut_out(rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, Scene]:
    """A window around one of the plain objects, and the scene that is whole in it, in the window's pixels."""
    side = int(rng.choice(WINDOW_SIDES))
    centre = scene.plain[int(rng.integers(len(scene.plain)))]
    slack = side / 2 - centre.radius - 1
    left, top = (
        int(np.clip(CELL * round((at + rng.uniform(-slack, slack) - side / 2) / CELL), 0, scene.side - side))
        for at in (centre.x, centre.y)
    )
    window = (left, top, left + side, top + side)
    scale = 2 if rng.random() < ENLARGED_SHARE else 1
    whole = objects_inside(scene, window, scale=scale)
    visible = Scene(scale * side, scene.ground, whole)
    if not visible.plain:  # the grid of cells may have cut off the one in the middle
        return cut_out(rng, scene)
    pixels = np.ascontiguousarray(render(scene)[top : top + side, left : left + side])
    return imaging.enlarge(pixels, scale), visible
