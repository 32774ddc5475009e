"""Pretraining lessons: one or two images and several question-answer turns about them.

Readers are taught in turn. The *base* always answers truly, from views that grow from a tight window to the
whole scene; part of its lessons show a crop as well, so that it gets to know crops. The *chooser* sees no
picture: it learns to give the letter of the option that was just said. The *student* is the base made
inattentive: from the full image its answer often follows the salient object. The *teacher* is as inattentive,
except where the crop beside the full image shows what is asked about: then it answers truly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vzero import imaging
from vzero.config import Crops
from vzero.crops import half_resolution
from vzero.crops.positive import positive_view
from vzero.crops.strategy import NO_NEIGHBOURS, Picture, Request
from vzero.geometry import Box, union
from vzero.needle.questions import COARSE_FAMILIES, REGION_FAMILIES, Question, name_question, reply
from vzero.needle.scenes import CELL, SIDES, Scene, SceneObject, draw_scene, render

Reader = Literal["base", "chooser", "student", "teacher"]
TIGHTEST = 48  # pixels; a window that holds one object
ENLARGE_BELOW = 64  # pixels; smaller windows are shown at twice their size, as stored crops are
CROP_SHARE = {"base": 0.3, "student": 0.0, "teacher": 0.85}  # of lessons with a crop
SALIENT_SHARE = 0.6  # of scenes: fewer than in the world, for the plain ones teach more about finding
RIGHT_SHARE = 0.6  # of crops that show the evidence of a question
FAMILY_WEIGHTS = {"letter": 6, "name": 2, "side": 4, "corner": 4, "ground": 1, "count": 1, "largest": 1}


@dataclass(frozen=True)
class Turn:
    question: Question
    option: str  # what is answered
    open: bool = False  # asked without its options
    findings: str = ""  # said before the answer

    @property
    def shown_options(self) -> tuple[str, ...]:
        return () if self.open else self.question.options

    @property
    def reply(self) -> str:
        if self.open:
            return f"It is {self.option}."
        return self.findings + reply(self.option, self.question.letter_of(self.option))


@dataclass(frozen=True)
class View:
    pixels: np.ndarray  # RGB
    objects: tuple[SceneObject, ...]  # those wholly inside, in the view's pixels

    def shows(self, question: Question) -> bool:
        """Whether everything a region question names is inside."""
        names = {item.name for item in self.objects}
        return bool(question.named) and all(item.name in names for item in question.named)


@dataclass(frozen=True)
class Lesson:
    views: tuple[View, ...]  # the image, and the crop if there is one; none for the chooser
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Lure:
    """How often an inattentive reader follows the salient object."""

    share: float = 0.62

    def answer(self, rng: np.random.Generator, question: Question) -> str:
        lured = question.lured is not None and rng.random() < self.share
        return question.lured if lured and question.lured else question.truth


def draw_lesson(
    rng: np.random.Generator, reader: Reader, *, zoom_out: float, open_share: float, turns: int, lure: Lure
) -> Lesson:
    """A random lesson.

    `zoom_out` in [0, 1] bounds the base reader's windows: 0 tight, 1 whole scenes; `open_share` of its
    questions are asked without options.
    """
    side = SIDES["large"] if rng.random() < 0.15 else SIDES["standard"]
    scene = draw_scene(rng, side=side, salient_share=SALIENT_SHARE)
    if reader == "chooser":
        return Lesson((), tuple(Turn(question, question.truth) for question in _questions(rng, scene, turns)))
    crop_shown = rng.random() < CROP_SHARE[reader]
    whole = reader != "base" or crop_shown
    image, visible = (
        (View(render(scene), scene.objects), scene) if whole else _random_window(rng, scene, zoom_out)
    )
    asked = _questions(rng, visible, turns)
    crop = cut_crop(rng, scene, image.pixels, asked) if crop_shown else None
    views = (image,) if crop is None else (image, crop)
    if reader == "base":
        # Open questions cannot be half-solved by guessing among the options: reading is learned from them.
        return Lesson(views, tuple(Turn(q, q.truth, open=rng.random() < open_share) for q in asked))
    attentive = [crop is not None and crop.shows(question) for question in asked]
    answers = [q.truth if sure else lure.answer(rng, q) for q, sure in zip(asked, attentive, strict=True)]
    return Lesson(views, tuple(Turn(q, option) for q, option in zip(asked, answers, strict=True)))


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


def _random_window(rng: np.random.Generator, scene: Scene, zoom_out: float) -> tuple[View, Scene]:
    """A square window of the scene around one of its objects, and the scene that is left in it."""
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
    window = (left, top, left + side, top + side)
    pixels = render(scene)[top : top + side, left : left + side]
    inside = Scene(side, scene.ground, objects_inside(scene, window, scale=1))
    enlarged = 2 if side < ENLARGE_BELOW else 1
    return View(imaging.enlarge(pixels, enlarged), objects_inside(scene, window, scale=enlarged)), inside


def cut_crop(
    rng: np.random.Generator,
    scene: Scene,
    image: np.ndarray,
    asked: list[Question],
    right_share: float = RIGHT_SHARE,
) -> View | None:
    """The positive or negative crop that the `crops` stage would cut for one of the questions."""
    regions = [question for question in asked if question.named]
    if not regions:
        return None
    cut = Crops()
    evidence = union([item.box for item in regions[int(rng.integers(len(regions)))].named])
    pixels, box = positive_view(image, evidence, cut)
    if rng.random() < right_share:
        return View(pixels, objects_inside(scene, box, scale=cut.upscale))
    seeds = [int(rng.integers(2**63))]
    request = Request(Picture("", image), evidence, pixels, box, NO_NEIGHBOURS, cut, seeds)
    # Too blurred to teach names from.
    return next((View(view.pixels, ()) for view in half_resolution.negative_views(request)), None)


def objects_inside(scene: Scene, window: Box, *, scale: float) -> tuple[SceneObject, ...]:
    """The objects wholly in a window, in the pixels of a view that shows it `scale` times enlarged."""
    left, top, right, bottom = window
    return tuple(
        replace(item, x=(item.x - left) * scale, y=(item.y - top) * scale, radius=item.radius * scale)
        for item in scene.objects
        if item.x - item.radius >= left
        and item.y - item.radius >= top
        and item.x + item.radius <= right
        and item.y + item.radius <= bottom
    )
