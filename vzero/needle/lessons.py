"""Pretraining lessons: one or two images and several question-answer turns about them.

Three readers are taught in turn. The *base* always answers truly, from views that grow from a tight window
to the whole scene. The *student* is the base made inattentive: from the full image its answer often follows
the salient object. The *teacher* is as inattentive, except where the crop beside the full image shows what
is asked about: then it answers truly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import torch

from vzero.needle.questions import COARSE_FAMILIES, REGION_FAMILIES, Question, name_question, reply
from vzero.needle.scenes import CELL, SIDES, Scene, SceneObject, draw_scene, render

Reader = Literal["base", "student", "teacher"]
TIGHTEST = 48  # pixels; a window that holds one object
ENLARGE_BELOW = 64  # pixels; smaller windows are shown at twice their size, as stored crops are
OPEN_SHARE = 0.5
FAMILY_WEIGHTS = {"letter": 6, "name": 4, "side": 2, "corner": 2, "ground": 1, "count": 1, "largest": 1}


@dataclass(frozen=True)
class Turn:
    question: Question
    option: str  # what is answered
    open: bool = False  # asked without its options

    @property
    def shown_options(self) -> tuple[str, ...]:
        return () if self.open else self.question.options

    @property
    def reply(self) -> str:
        if self.open:
            return f"It is {self.option}."
        return reply(self.option, self.question.letter_of(self.option))


@dataclass(frozen=True)
class Lesson:
    images: tuple[np.ndarray, ...]  # RGB
    turns: tuple[Turn, ...]
    objects: tuple[SceneObject, ...]  # wholly in the first image, in its pixels


@dataclass(frozen=True)
class Lure:
    """How often an inattentive reader follows the salient object."""

    share: float = 0.62

    def answer(self, rng: np.random.Generator, question: Question) -> str:
        lured = question.lured is not None and rng.random() < self.share
        return question.lured if lured and question.lured else question.truth


def draw_lesson(
    rng: np.random.Generator, reader: Reader, *, zoom_out: float, turns: int, lure: Lure
) -> Lesson:
    """A random lesson. `zoom_out` in [0, 1] bounds the base reader's windows: 0 tight, 1 whole scenes."""
    scene = draw_scene(rng, side=SIDES["large"] if rng.random() < 0.15 else SIDES["standard"])
    if reader == "base":
        image, visible = _window(rng, scene, zoom_out)
        asked = _questions(rng, visible, turns)
        # Open questions cannot be half-solved by guessing among the options: reading is learned from them.
        answered = tuple(Turn(q, q.truth, open=rng.random() < OPEN_SHARE) for q in asked)
        scale = image.shape[0] / visible.side
        shown = (replace(item, x=item.x * scale, y=item.y * scale) for item in visible.objects)
        return Lesson((image,), answered, tuple(shown))
    asked = _questions(rng, scene, turns)
    image = render(scene)
    if reader == "student" or rng.random() < 0.15:
        return Lesson((image,), tuple(Turn(q, lure.answer(rng, q)) for q in asked), scene.objects)
    crop, seen = _crop(rng, image, asked)
    attentive = [seen is not None and _inside(question, seen) for question in asked]
    answers = [q.truth if sure else lure.answer(rng, q) for q, sure in zip(asked, attentive, strict=True)]
    answered = tuple(Turn(q, option) for q, option in zip(asked, answers, strict=True))
    return Lesson((image, crop), answered, scene.objects)


def _questions(rng: np.random.Generator, scene: Scene, count: int) -> list[Question]:
    families = {**REGION_FAMILIES, "name": name_question, **COARSE_FAMILIES}
    weights = np.array([FAMILY_WEIGHTS[name] for name in families], dtype=float)
    asked: dict[str, Question] = {}  # by wording: an answer cannot be copied from an earlier turn
    for _ in range(8 * count):
        family = str(rng.choice(list(families), p=weights / weights.sum()))
        if family in ("side", "corner") and len(scene.plain) < 2:
            family = "letter"
        if family in ("letter", "name") and not scene.plain:
            family = "ground"
        question = families[family](rng, scene)
        if question is not None:
            asked.setdefault(question.text, question)
        if len(asked) == count:
            break
    return list(asked.values())


def _window(rng: np.random.Generator, scene: Scene, zoom_out: float) -> tuple[np.ndarray, Scene]:
    """A square window of the scene and the objects wholly inside it."""
    reach = TIGHTEST + (scene.side - TIGHTEST) * zoom_out * float(rng.uniform(0.6, 1.0) ** 0.5)
    side = CELL * round(reach / CELL)
    if zoom_out >= 1.0 and rng.random() < 0.8:
        side = scene.side
    centre = scene.plain[int(rng.integers(len(scene.plain)))]
    slack = max(side / 2 - centre.radius - 1, 0)
    left, top = (
        int(
            np.clip(
                CELL * round((middle + rng.uniform(-slack, slack) - side / 2) / CELL), 0, scene.side - side
            )
        )
        for middle in (centre.x, centre.y)
    )
    inside = tuple(
        replace(item, x=item.x - left, y=item.y - top)
        for item in scene.objects
        if item.x - item.radius >= left
        and item.y - item.radius >= top
        and item.x + item.radius <= left + side
        and item.y + item.radius <= top + side
    )
    pixels = render(scene)[top : top + side, left : left + side]
    return _enlarged(pixels), Scene(side, scene.ground, inside)


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    if max(pixels.shape[:2]) >= ENLARGE_BELOW:
        return pixels
    return cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_LANCZOS4)


Window = tuple[int, int, int, int]  # xyxy pixels


def _crop(
    rng: np.random.Generator, image: np.ndarray, asked: list[Question]
) -> tuple[np.ndarray, Window | None]:
    """A crop beside the full image: mostly a question's evidence, else a blurred window from elsewhere."""
    regions = [question for question in asked if question.named]
    if regions and rng.random() < 0.65:
        target = regions[int(rng.integers(len(regions)))]
        window = evidence_window(target, image.shape[0])
        left, top, right, bottom = window
        return _enlarged_twice(image[top:bottom, left:right]), window
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    width, height = (int(v) for v in rng.integers(16, half.shape[0], size=2))
    if rng.random() < 0.7:
        width = height = int(rng.integers(20, 28))
    left = int(rng.integers(half.shape[1] - width + 1))
    top = int(rng.integers(half.shape[0] - height + 1))
    return _enlarged_twice(half[top : top + height, left : left + width]), None


def _enlarged_twice(pixels: np.ndarray) -> np.ndarray:
    return cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_LANCZOS4)


def evidence_window(question: Question, side: int, margin: float = 0.1) -> Window:
    """The union of the named objects' boxes plus a margin, clipped to the image."""
    boxes = np.array([item.box for item in question.named])
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    wide, high = margin * (right - left), margin * (bottom - top)
    return (
        max(int(np.floor(left - wide)), 0),
        max(int(np.floor(top - high)), 0),
        min(int(np.ceil(right + wide)), side),
        min(int(np.ceil(bottom + high)), side),
    )


def _inside(question: Question, window: Window) -> bool:
    left, top, right, bottom = window
    return bool(question.named) and all(
        item.x - item.radius >= left - 1
        and item.y - item.radius >= top - 1
        and item.x + item.radius <= right + 1
        and item.y + item.radius <= bottom + 1
        for item in question.named
    )


class LessonStream(torch.utils.data.IterableDataset):
    """Endless batches of lessons, a pure function of the seed; `zoom_out` may be moved while it runs."""

    def __init__(self, reader: Reader, *, batch: int, turns: int, lure: Lure, seed: int) -> None:
        self.reader: Reader = reader
        self.batch = batch
        self.turns = turns
        self.lure = lure
        self.seed = seed
        self.zoom_out = torch.zeros(1).share_memory_()  # read by the loader's process

    def __iter__(self) -> Iterator[list[Lesson]]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            zoom_out = float(self.zoom_out)
            yield [
                draw_lesson(rng, self.reader, zoom_out=zoom_out, turns=self.turns, lure=self.lure)
                for _ in range(self.batch)
            ]
