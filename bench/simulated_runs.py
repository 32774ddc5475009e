"""Answers of experiments whose true accuracies are known: items, seeds and arms crossed.

An answer is right where a sum of normal variates is above 0: how easy the item is (shared in part by the
items of its image), how well the seed went (shared in part by the arms, since they saw the data in one order),
how well the arm fits the item, and chance. The sum is normal, so the true accuracy is set exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

EASINESS = 1.5  # standard deviation over items, in that of chance
SHARED = 0.5  # share of the variance of easiness that items of one image have in common, and arms of one seed


@dataclass(frozen=True)
class Items:
    """Labels of the images and benchmarks that items belong to, (items,) each."""

    name: str
    groups: np.ndarray
    strata: np.ndarray


def items(name: str, counts: tuple[int, ...], largest: int) -> Items:
    """A benchmark of each count, with images of 2 to `largest` items; of 1 item each where it is 1."""
    sizes = np.random.default_rng(0).integers(2, largest + 1, sum(counts)) if largest > 1 else 1
    groups = np.repeat(np.arange(sum(counts)), sizes)[: sum(counts)]
    strata = np.repeat(np.arange(len(counts)), counts)
    return Items(name, np.unique(groups * len(counts) + strata, return_inverse=True)[1], strata)


@dataclass(frozen=True)
class Experiment:
    """How answers come about; the spreads are standard deviations in that of chance."""

    items: Items
    seeds: int
    accuracy: float
    gain: float
    seed_spread: float
    fit_spread: float

    def draw(self, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Answers of the baseline and of the arm that is better by the gain, (draws, seeds, items) each."""
        groups, count = self.items.groups, len(self.items.groups)
        alone, shared = np.sqrt(1 - SHARED), np.sqrt(SHARED)
        images = rng.normal(size=(draws, 1, groups.max() + 1))[:, :, groups]
        easiness = EASINESS * (shared * images + alone * rng.normal(size=(draws, 1, count)))
        order = shared * rng.normal(size=(draws, self.seeds, 1))
        answers = []
        for accuracy in (self.accuracy, self.accuracy + self.gain):
            seed = self.seed_spread * (order + alone * rng.normal(size=order.shape))
            fit = self.fit_spread * rng.normal(size=easiness.shape)
            chance = rng.normal(size=(draws, self.seeds, count))
            answers.append(chance + easiness + seed + fit > -self.total * ndtri(accuracy))
        return answers[0], answers[1]

    @property
    def total(self) -> float:
        """Standard deviation of the sum."""
        return float(np.sqrt(1 + EASINESS**2 + self.seed_spread**2 + self.fit_spread**2))
