"""Answers of experiments whose true accuracies are known: items, seeds and arms crossed.

An answer is right where a sum of normal variates is above 0: how easy the item is (shared in part by the
items of its image), how well the seed went (shared in part by the arms, which saw the data in one order), how
well the arm fits the item, and chance. The sum is normal, so the true accuracy is set exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from vzero.evaluate.reaching import Curves, reached

EASINESS = 1.5  # standard deviation over items, in that of chance
SHARED = 0.5  # share of the variance of easiness that items of one image have in common, and arms of one seed
MARKS = 12  # of a training


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


@dataclass(frozen=True)
class Training:
    """Two arms on their way from half of the items to more; the first needs `ratio` of the other's cost.

    The marks are at costs of about 1, 2, ... for both arms and all seeds, a twentieth more or less.
    """

    items: Items
    seeds: int
    ratio: float
    seed_spread: float

    def draw(self, rng: np.random.Generator) -> tuple[Curves, Curves]:
        """Costs and answers of the arm and of the baseline; chance is drawn anew at each mark."""
        count = len(self.items.groups)
        images = rng.normal(size=self.items.groups.max() + 1)[self.items.groups]
        easiness = EASINESS * (np.sqrt(SHARED) * images + np.sqrt(1 - SHARED) * rng.normal(size=count))
        order = rng.normal(size=(self.seeds, 1, 1))
        curves = []
        for ratio in (self.ratio, 1.0):
            alone = rng.normal(size=order.shape)
            seed = self.seed_spread * (np.sqrt(SHARED) * order + np.sqrt(1 - SHARED) * alone)
            chance = rng.normal(size=(self.seeds, MARKS, count))
            answers = chance + easiness + seed + self._learnt(ratio)[:, None] > 0
            pace = np.exp(rng.normal(size=(self.seeds, 1)) / 20)
            curves.append(Curves(np.arange(1, MARKS + 1) * pace, answers.astype(float)))
        return curves[0], curves[1]

    def true_ratio(self, target: float) -> float:
        """The ratio of the costs at which lines through the marks' true accuracies are at the target."""
        total = np.sqrt(1 + EASINESS**2 + self.seed_spread**2)
        costs = np.arange(1.0, MARKS + 1)[None]
        means = (ndtr(self._learnt(ratio) / total)[None, :, None] for ratio in (self.ratio, 1.0))
        arm, baseline = (reached(Curves(costs, mean), [0], target) for mean in means)
        if arm is None or baseline is None:
            raise ValueError(f"an accuracy of {target} is not reached")
        return arm / baseline

    def _learnt(self, ratio: float) -> np.ndarray:
        return 2.5 * (1 - np.exp(-np.arange(1, MARKS + 1) / (6 * ratio)))
