"""The embedded world: samples are drawn by the worker that checks them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from vzero.config import NeedleSource
from vzero.needle.dataset import draw_samples
from vzero.sources.annotation import Annotation, Batch, Source

DRAWN_TOGETHER = 600  # samples; a multiple of those that share a scene
LICENCE = "CC0-1.0"


def open_needle(config: NeedleSource) -> Source:
    batches = [*_batches(config, "train", 0), *_batches(config, "dev", config.samples)]
    return Source("needle", batches, total=config.samples + config.dev_samples)


def _batches(config: NeedleSource, split: Literal["train", "dev"], first_row: int) -> Iterator[Batch]:
    samples = config.samples if split == "train" else config.dev_samples
    for start in range(0, samples, DRAWN_TOGETHER):
        stop = min(start + DRAWN_TOGETHER, samples)
        yield Batch(stop - start, partial(_draw, config, split, start, stop, first_row))


def _draw(
    config: NeedleSource, split: Literal["train", "dev"], start: int, stop: int, first_row: int
) -> Iterator[Annotation]:
    for number, sample in enumerate(draw_samples(config, split, start, stop), start=start):
        yield Annotation(
            row=first_row + number,
            image=sample.image,
            question=sample.question,
            boxes=[list(box) for box in sample.boxes],
            options=list(sample.options),
            answer=sample.answer,
            sample_id=sample.sample_id,
            needs_id=True,
            category=sample.category,
            licence=LICENCE,
            split=split,
        )
