"""Training and held-out samples of an embedded world, each a pure function of (seed, split, number)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vzero.config import NeedleSource
from vzero.geometry import PixelBox
from vzero.imaging import encode_png
from vzero.needle.box_noise import noisy_boxes
from vzero.needle.questions import Asker, Question
from vzero.needle.scenes import Scene, render
from vzero.needle.worlds import WORLDS, World

Split = Literal["train", "dev"]
BOX_NOISE = 0  # marks the streams of their own from which the noise of boxes is drawn
STREAMS = {"train": 0, "dev": 1, "test": 2}  # disjoint random streams of one seed
QUESTIONS_PER_SCENE = 3


@dataclass(frozen=True)
class NeedleSample:
    sample_id: str
    image: bytes  # PNG
    question: str
    options: tuple[str, ...]
    answer: str  # option letter
    boxes: tuple[PixelBox, ...]  # of the objects that the answer rests on, with the noise asked for
    category: str  # question family


def draw_samples(source: NeedleSource, split: Split, start: int, stop: int) -> Iterator[NeedleSample]:
    """Samples number `start` to `stop` (exclusive) of a split. Three in a row share a scene."""
    world = WORLDS[source.world]
    for number in range(start - start % QUESTIONS_PER_SCENE, stop, QUESTIONS_PER_SCENE):
        rng = np.random.default_rng([source.seed, STREAMS[split], number])
        scene = world.draw(rng)
        image = encode_png(render(scene))
        for offset, question in enumerate(distinct_questions(rng, scene, QUESTIONS_PER_SCENE, world)):
            if start <= number + offset < stop:
                noise = np.random.default_rng([source.seed, STREAMS[split], number + offset, BOX_NOISE])
                yield NeedleSample(
                    sample_id=f"{source.world}-{split}-{number + offset:07d}",
                    image=image,
                    question=question.text,
                    options=question.options,
                    answer=question.answer,
                    boxes=noisy_boxes(noise, [item.box for item in question.named], scene.side, source),
                    category=question.family,
                )


def distinct_questions(rng: np.random.Generator, scene: Scene, count: int, world: World) -> list[Question]:
    """Region questions about a scene with no wording twice."""
    asked: dict[str, Question] = {}
    while len(asked) < count:
        family = str(rng.choice(list(world.shares), p=list(world.shares.values())))
        question = ask(rng, scene, world.families[family])
        if question is not None:
            asked.setdefault(question.text, question)
    return list(asked.values())


def ask(rng: np.random.Generator, scene: Scene, asker: Asker, tries: int = 20) -> Question | None:
    """A question of a family, or None for scenes that allow none."""
    return next((question for _ in range(tries) if (question := asker(rng, scene)) is not None), None)
