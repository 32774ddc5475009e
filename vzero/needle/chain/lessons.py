"""Pretraining lessons of the chain world: all readers are taught what is true.

The *chooser* sees no picture, and learns to give the letter of the option that was just said. The *student*
sees whole scenes. The *teacher* sees a crop beside most of them. Scenes beside a right one are faded, or it
would go on reading them alone, and it begins half of its answers with words of its own, as models do that
mention their crop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from vzero.needle.chain.questions import COARSE_FAMILIES, REGION_FAMILIES, findings
from vzero.needle.chain.scenes import SHOWN_SIDE, draw_chain_scene
from vzero.needle.lessons import Lesson, Turn, View, cut_crop
from vzero.needle.questions import Question
from vzero.needle.scenes import CELL, Scene, render

ChainReader = Literal["chain chooser", "chain student", "chain teacher"]
CROP_SHARE = {"chain student": 0.0, "chain teacher": 0.95}
RIGHT_SHARE = 0.9  # of crops that show the evidence of a question
QUESTIONS_TO_CHOOSE_FROM = 12
FADED = 4  # times fewer pixels a side: where an object is can still be seen, its letter cannot
CROP_WORDS = "The enlarged part: "
CROP_WORDS_SHARE = 0.5
FAMILY_WEIGHTS = {"letter": 3, "pair": 3, "nearest": 2, "triple": 2, "ground": 0.5, "shapes": 1}


def draw_chain_lesson(rng: np.random.Generator, reader: ChainReader, *, turns: int) -> Lesson:
    scene = draw_chain_scene(rng)
    asked = _questions(rng, scene, turns)
    if reader == "chain chooser":
        return Lesson((), tuple(Turn(question, question.truth) for question in asked))
    image = View(render(scene), scene.objects)
    cut = rng.random() < CROP_SHARE[reader]
    crop = cut_crop(rng, scene, image.pixels, asked, RIGHT_SHARE) if cut else None
    views = tuple(shown(view) for view in (image, crop) if view is not None)
    if crop is not None and any(crop.shows(question) for question in asked):
        asked = _readable(rng, scene, asked, crop)
        views = (faded(views[0]), *views[1:])
    turned = (Turn(question, question.truth, findings=_findings(rng, question, crop)) for question in asked)
    return Lesson(views, tuple(turned))


def shown(view: View) -> View:
    """The view as the models' processor scales it."""
    height, width = view.pixels.shape[:2]
    most = SHOWN_SIDE**2
    tall, wide = smart_resize(height, width, factor=CELL, min_pixels=CELL**2, max_pixels=most)
    pixels = np.asarray(Image.fromarray(view.pixels).resize((wide, tall), Image.Resampling.BICUBIC))
    across, down = wide / width, tall / height
    objects = tuple(
        replace(item, x=item.x * across, y=item.y * down, radius=item.radius * min(across, down))
        for item in view.objects
    )
    return View(pixels, objects)


def faded(view: View) -> View:
    """The view as from afar, in as many pixels."""
    height, width = view.pixels.shape[:2]
    small = cv2.resize(view.pixels, (width // FADED, height // FADED), interpolation=cv2.INTER_AREA)
    return View(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), view.objects)


def _readable(rng: np.random.Generator, scene: Scene, asked: list[Question], crop: View) -> list[Question]:
    """As many questions at most, about what the crop shows."""
    more = {question.text: question for question in _questions(rng, scene, QUESTIONS_TO_CHOOSE_FROM)}
    candidates = {question.text: question for question in asked} | more
    return [question for question in candidates.values() if crop.shows(question)][: len(asked)]


def _findings(rng: np.random.Generator, question: Question, crop: View | None) -> str:
    close = crop is not None and crop.shows(question) and rng.random() < CROP_WORDS_SHARE
    return f"{CROP_WORDS if close else ''}{findings(question)}"


def _questions(rng: np.random.Generator, scene: Scene, count: int) -> list[Question]:
    families = REGION_FAMILIES | COARSE_FAMILIES
    weights = np.array([FAMILY_WEIGHTS[name] for name in families], dtype=float)
    asked: dict[str, Question] = {}
    while len(asked) < count:
        question = families[str(rng.choice(list(families), p=weights / weights.sum()))](rng, scene)
        if question is not None:
            asked.setdefault(question.text, question)
    return list(asked.values())
