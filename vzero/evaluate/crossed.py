"""Intervals for means over items and seeds that are crossed: every seed of an arm answers the same items.

The variance of the mean has three parts, as in an analysis of variance with two ways: what differs between
groups of items, what differs between seeds, and what differs between groups from seed to seed. The first two
are each measured with the third in them, so their sum holds it twice, and one of it is taken out again
(Cameron, Gelbach and Miller 2011). Few seeds measure their part badly, so each part has the quantile of
Student's t for what it was measured with (Banerjee 1960: no less than the stated coverage where the parts are
normal and independent). One quantile for the whole (Satterthwaite 1946) is a little too narrow for three.
`python -m bench.coverage` holds the intervals against runs of known accuracy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import nctdtrinc, stdtridf, stdtrit

from vzero.evaluate.significance import POWER
from vzero.evaluate.statistics import SAME, Estimate, unanimous_intervals


@dataclass(frozen=True)
class CrossedMean(Estimate):
    """A mean over strata, items and seeds with its two-sided interval.

    The interval is that of Student's t with `degrees` degrees of freedom and `standard_error`; for accuracies
    it is bent as Wilson's is. Of one seed alone it says nothing about other seeds.
    """

    standard_error: float
    degrees: float
    seeds: int
    items: int

    @property
    def of_one_seed(self) -> bool:
        """Whether the interval is over items alone and holds for this seed only."""
        return self.seeds == 1


@dataclass(frozen=True)
class Components:
    """Variances of a mean by what they stem from, and what each was measured with. One seed has no other part
    than that between groups, and no degrees of freedom for seeds."""

    between_groups: float
    between_seeds: float
    interaction: float
    group_degrees: int
    seed_degrees: int

    def spread(self, confidence: float) -> tuple[float, float]:
        """The standard error of the mean, and the degrees of freedom that make its t interval as wide.

        The part of groups beyond the interaction is at least 0, and the whole is never below the larger of
        the parts between groups and between seeds.
        """
        of_groups, of_seeds = (
            float(stdtrit(degrees, (1 + confidence) / 2)) ** 2 if degrees else 0.0
            for degrees in (self.group_degrees, self.seed_degrees)
        )
        if not self.seed_degrees or not (self.between_groups or self.between_seeds):
            return math.sqrt(self.between_groups), float(self.group_degrees)
        beyond = max(self.between_groups - self.interaction, 0.0)
        variance = max(self.between_seeds + beyond, self.between_groups)
        half = max(of_seeds * self.between_seeds + of_groups * beyond, of_groups * self.between_groups)
        return math.sqrt(variance), float(stdtridf((1 + confidence) / 2, math.sqrt(half / variance)))


def crossed_mean(
    scores: ArrayLike, groups: ArrayLike, strata: ArrayLike, *, confidence: float
) -> CrossedMean:
    """Accuracy of one arm: mean over seeds and strata of each stratum's item mean.

    `scores` are shares of hits, times what the item counts (1 on average), (seeds, items). `groups` and
    `strata` are labels, (items,): items of one group share an image and stand or fall together, a stratum is
    a benchmark. Raises ValueError for other shapes, for what is no number, and for a stratum of fewer than
    two groups.
    """
    mean = _crossed(np.asarray(scores, dtype=np.float64), (groups, strata), 0.0, confidence)
    low, high = _bent(mean)
    return replace(mean, low=low, high=high)


def crossed_difference(
    scores: ArrayLike, others: ArrayLike, groups: ArrayLike, strata: ArrayLike, *, confidence: float
) -> CrossedMean:
    """Accuracy of one arm minus that of another on the same items, paired by item and seed, as fractions.

    A row of both is of one seed: of the same order of the data. Scores, labels and errors as for
    `crossed_mean`.
    """
    one, other = np.asarray(scores, dtype=np.float64), np.asarray(others, dtype=np.float64)
    if one.shape != other.shape:
        raise ValueError(f"the arms have other seeds or items: {one.shape} and {other.shape}")
    mean = _crossed(one - other, (groups, strata), -1.0, confidence)
    return replace(mean, low=max(mean.low, -1.0), high=min(mean.high, 1.0))


def smallest_difference(mean: CrossedMean, confidence: float) -> float:
    """The smallest true difference that so many seeds and items show with the usual power, as a fraction.

    The noncentrality at which Student's t exceeds its limit that often, times the standard error.
    """
    limit = stdtrit(mean.degrees, (1 + confidence) / 2)
    return float(nctdtrinc(mean.degrees, 1 - POWER, limit)) * mean.standard_error


def components(scores: np.ndarray, groups: np.ndarray, strata: np.ndarray) -> Components:
    """Variances of the mean of `scores`, (seeds, items); `groups` and `strata` are indices, (items,)."""
    seeds, number = len(scores), int(groups.max()) + 1
    weights, inside = item_weights(strata), _groups_in(groups, strata)
    deviations = (scores - _stratum_means(scores, strata)) * weights * np.sqrt(inside / (inside - 1))[strata]
    by_group = np.stack([np.bincount(groups, row, number) for row in deviations])
    of_groups = float((by_group.mean(axis=0) ** 2).sum())
    group_degrees = number - len(inside)
    if seeds == 1:
        return Components(of_groups, 0.0, 0.0, group_degrees, 0)
    pairs = seeds * (seeds - 1)
    of_seeds = float(((scores @ weights - (scores @ weights).mean()) ** 2).sum()) / pairs
    of_both = float(((by_group - by_group.mean(axis=0)) ** 2).sum()) / pairs
    return Components(of_groups, of_seeds, of_both, group_degrees, seeds - 1)


def item_weights(strata: np.ndarray) -> np.ndarray:
    """How much each item counts in the mean over strata of each one's mean; (items,), their sum is 1."""
    counts = np.bincount(strata)
    return 1 / (len(counts) * counts[strata])


def indexed(groups: ArrayLike, strata: ArrayLike, items: int) -> tuple[np.ndarray, np.ndarray]:
    """Both labels as indices from 0, (items,). Raises ValueError for strata of fewer than two groups."""
    if not np.shape(groups) == np.shape(strata) == (items,):
        raise ValueError(f"{items} items have groups {np.shape(groups)} and strata {np.shape(strata)}")
    group, stratum = (np.unique(np.asarray(each), return_inverse=True)[1] for each in (groups, strata))
    if _groups_in(group, stratum).min() < 2 or group.max() <= stratum.max():
        raise ValueError("an interval needs at least two groups in each stratum")
    return group, stratum


def _groups_in(groups: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """How many groups each stratum has; (strata,)."""
    number = groups.max() + 1
    return np.bincount(np.unique(strata * number + groups) // number)


def _crossed(
    scores: np.ndarray, labels: tuple[ArrayLike, ArrayLike], least: float, confidence: float
) -> CrossedMean:
    """The mean with a symmetric interval; a score is no less than `least`, labels are groups and strata."""
    if scores.ndim != 2 or not scores.size or not np.isfinite(scores).all():
        raise ValueError(f"scores {scores.shape} must be numbers, seeds x items")
    groups, strata = indexed(*labels, scores.shape[1])
    over_seeds = scores.mean(axis=0)
    found = components(scores, groups, strata)
    unseen = _unseen(over_seeds, groups, strata, least, confidence)
    found = replace(found, between_groups=found.between_groups + unseen)
    standard_error, degrees = found.spread(confidence)
    value = float(over_seeds @ item_weights(strata))
    half = float(stdtrit(degrees, (1 + confidence) / 2)) * standard_error
    return CrossedMean(value, value - half, value + half, standard_error, degrees, *scores.shape)


def _unseen(
    values: np.ndarray, groups: np.ndarray, strata: np.ndarray, least: float, confidence: float
) -> float:
    """The variance that groups unlike the others may add unseen, where all groups of a stratum agree.

    The longer arm of the stratum's interval is taken for as many standard errors as for a normal mean.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    parts = [(values[strata == each], groups[strata == each]) for each in range(strata.max() + 1)]
    agreed = [found for found in unanimous_intervals(parts, least, 1.0, confidence) if found is not None]
    reach = [max(found.high - found.value, found.value - found.low) / len(parts) for found in agreed]
    return sum((each / z) ** 2 for each in reach)


def _bent(mean: CrossedMean) -> tuple[float, float]:
    """Wilson's limits for an accuracy: the variance is as p (1 - p) along the interval, not as at the mean.

    Near 0 and 1 the distance to the middle is longer than to the edge. At 0 and 1 themselves the symmetric
    interval is cut off, which is nearly Wilson's.
    """
    value, half = mean.value, mean.high - mean.value
    spread = value * (1 - value)
    if spread < SAME:
        return max(mean.low, 0.0), min(mean.high, 1.0)
    ratio = half * half / spread
    bent = math.sqrt(ratio * ratio / 4 + half * half) / (1 + ratio)
    centre = (value + ratio / 2) / (1 + ratio)
    return centre - bent, centre + bent


def _stratum_means(scores: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """For each item the mean of its stratum; (seeds, items)."""
    counts = np.bincount(strata)
    return np.stack([(np.bincount(strata, row) / counts)[strata] for row in scores])
