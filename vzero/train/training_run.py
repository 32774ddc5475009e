"""What stays the same from a training run's first step to its last."""

from __future__ import annotations

from dataclasses import dataclass

from vzero.config import Train
from vzero.models.loading import LoadedModel
from vzero.train.recipes import Recipe


@dataclass(frozen=True)
class TrainingRun:
    """Which model learns, from whom, and how. The student's weights are what a run changes."""

    student: LoadedModel
    teacher: LoadedModel | None  # None where the recipe needs none
    train: Train
    recipe: Recipe
