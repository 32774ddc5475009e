"""What of a step's answers people are shown: those to a few samples, with the pictures of all views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from vzero.imaging import decode, resize
from vzero.methods.base import Sample, Task
from vzero.prompts.views import FULL, Picture

SAMPLES = 4  # that are shown of a step
LONGEST_SIDE = 768  # pixels that a picture is scaled down to


@dataclass(frozen=True)
class Shown:
    answers: pl.DataFrame
    """A row an answer: `sample` counts from 1, then id, question, and what `tables.Rollouts` says of it."""
    pictures: dict[str, np.ndarray]
    """Pixels by names such as `sample-1/positive`."""


def shown_of(rollouts: pl.DataFrame, tasks: Sequence[Task]) -> Shown:
    """The first samples of a step, given its rows of `tables.Rollouts`."""
    samples = list({task.sample.sample_id: task.sample for task in tasks}.values())[:SAMPLES]
    asked = pl.DataFrame(
        {
            "sample": range(1, len(samples) + 1),
            "sample_id": [sample.sample_id for sample in samples],
            "question": [sample.view(FULL).words.text for sample in samples],
        }
    )
    columns = [*asked.columns, "member", "text", "weight", "evidence_score", "reward"]
    answers = rollouts.join(asked, on="sample_id").sort("sample", "member").select(columns)
    pictures = {
        f"sample-{number}/{name}": _pixels(picture)
        for number, sample in enumerate(samples, start=1)
        for name, picture in _named(sample)
    }
    return Shown(answers, pictures)


def _named(sample: Sample) -> Iterator[tuple[str, Picture]]:
    """The full view's pictures, and those that other views have beside them, by role."""
    own = sample.view(FULL).pictures
    for role, views in sample.views.items():
        pictures = [each for view in views for each in view.pictures if role == FULL or each not in own]
        for number, picture in enumerate(pictures, start=1):
            yield (role if number == 1 else f"{role}-{number}"), picture


def _pixels(picture: Picture) -> np.ndarray:
    """(height, width, 3) uint8, no side longer than is good to look at."""
    assert picture.data is not None  # loaded with the sample
    pixels = decode(picture.data)
    height, width, _ = pixels.shape
    share = min(1.0, LONGEST_SIDE / max(height, width))
    return pixels if share == 1.0 else resize(pixels, max(1, int(width * share)), max(1, int(height * share)))
