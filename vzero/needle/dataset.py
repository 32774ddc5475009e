"""Training and held-out samples of the embedded world, each a pure function of (seed, split, number)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vzero.config import NeedleSource
from vzero.geometry import PixelBox
from vzero.imaging import encode_png
from vzero.needle.questions import REGION_FAMILIES, Asker, Question
from vzero.needle.scenes import SIDES, Scene, draw_scene, render

Split = Literal["train", "dev"]
STREAMS = {"train": 0, "dev": 1, "test": 2}  # disjoint random streams of one seed
QUESTIONS_PER_SCENE = 3
FAMILY_SHARES = {"letter": 0.6, "side": 0.2, "corner": 0.2}


@dataclass(frozen=True)
class NeedleSample:
    sample_id: str
    image: bytes  # PNG
    question: str
    options: tuple[str, ...]
    answer: str  # option letter
    boxes: tuple[PixelBox, ...]  # of the objects named in the question
    category: str  # question family


def draw_samples(source: NeedleSource, split: Split, start: int, stop: int) -> Iterator[NeedleSample]:
    """Samples number `start` to `stop` (exclusive) of a split. Three in a row share a scene."""
    for number in range(start - start % QUESTIONS_PER_SCENE, stop, QUESTIONS_PER_SCENE):
        rng = np.random.default_rng([source.seed, STREAMS[split], number])
        scene = draw_scene(rng, side=SIDES["standard"])
        image = encode_png(render(scene))
        for offset, question in enumerate(distinct_questions(rng, scene, QUESTIONS_PER_SCENE)):
            if start <= number + offset < stop:
                yield NeedleSample(
                    sample_id=f"needle-{split}-{number + offset:07d}",
                    image=image,
                    question=question.text,
                    options=question.options,
                    answer=question.answer,
                    boxes=tuple(item.box for item in question.named),
                    category=question.family,
                )


def distinct_questions(rng: np.random.Generator, scene: Scene, count: int) -> list[Question]:
    """Region questions about a scene with no wording twice."""
    asked: dict[str, Question] = {}
    while len(asked) < count:
        family = str(rng.choice(list(FAMILY_SHARES), p=list(FAMILY_SHARES.values())))
        question = ask(rng, scene, REGION_FAMILIES[family])
        if question is not None:
            asked.setdefault(question.text, question)
    return list(asked.values())


def ask(rng: np.random.Generator, scene: Scene, asker: Asker, tries: int = 20) -> Question | None:
    """A question of a family, or None for scenes that allow none."""
    return next((question for _ in range(tries) if (question := asker(rng, scene)) is not None), None)
