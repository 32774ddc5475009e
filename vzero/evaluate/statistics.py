"""Intervals for accuracies and for differences between two models on the same items.

Items about the same image (one `group`) stand or fall together, so every bootstrap resamples groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

POINTS = 100.0
DRAWS_AT_ONCE = 4_000_000  # counts in memory while resampling
SAME = 1e-9  # means of groups that differ by less differ by rounding


@dataclass(frozen=True)
class Estimate:
    """A value and its two-sided interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A difference in points (hundredths) and its two-sided interval."""

    delta: float
    low: float
    high: float


def wilson_interval(hits: int, n: int, *, confidence: float) -> Estimate:
    """Share of hits among `n` independent items with the Wilson score interval."""
    if n < 1:
        raise ValueError("an interval needs at least one item")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return Estimate(hits / n, 0.0 if hits == 0 else centre - half, 1.0 if hits == n else centre + half)


def bootstrap_mean(
    strata: Sequence[tuple[ArrayLike, ArrayLike]], *, resamples: int, confidence: float, seed: int
) -> Estimate:
    """Mean over strata of each one's mean, with the percentile interval of a stratified group bootstrap.

    A stratum is (values, groups), both of shape (items,); each is resampled on its own.
    """
    rng = np.random.default_rng(seed)
    parts = [_group_sums(values, groups) for values, groups in strata]
    if not parts:
        raise ValueError("an interval needs at least one item")
    means = np.mean([_resampled_means(*part, resamples, rng) for part in parts], axis=0)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    value = float(np.mean([sums.sum() / counts.sum() for sums, counts in parts]))
    return Estimate(value, float(low), float(high))


def accuracy_interval(
    hits: ArrayLike, groups: ArrayLike, *, resamples: int, confidence: float, seed: int
) -> Estimate:
    """Accuracy with Wilson's interval, or with the group bootstrap where groups repeat.

    `hits` may be weighted (their mean is the accuracy). Groups that all agree leave the bootstrap nothing to
    vary; how many unlike them may go unseen is then the honest width, which for groups that are all right or
    all wrong is Wilson's interval over the groups.
    """
    values, labels = np.asarray(hits, dtype=np.float64), np.asarray(groups)
    if np.isin(values, (0.0, 1.0)).all() and len(np.unique(labels)) == len(values):
        return wilson_interval(int(values.sum()), len(values), confidence=confidence)
    unanimous = unanimous_intervals([(values, labels)], 0.0, 1.0, confidence)
    if unanimous[0] is not None:
        return unanimous[0]
    mean = bootstrap_mean([(values, labels)], resamples=resamples, confidence=confidence, seed=seed)
    return Estimate(mean.value, mean.low, min(mean.high, 1.0))


def paired_difference(
    base_hits: ArrayLike,
    other_hits: ArrayLike,
    groups: ArrayLike,
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> Difference:
    """`other` minus `base` on the same items, in points; all of shape (items,)."""
    return mean_paired_difference(
        [(base_hits, other_hits, groups)], resamples=resamples, confidence=confidence, seed=seed
    )


def side_of_zero(low: float, high: float) -> int:
    """1 or -1 where an interval in points lies above or below zero as a whole, 0 where it does not.

    Only what is not 0 is told as better or worse. A limit of 0 may come as a crumb of rounding beside it.
    """
    if low > SAME:
        return 1
    return -1 if high < -SAME else 0


def mean_paired_difference(
    strata: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]], *, resamples: int, confidence: float, seed: int
) -> Difference:
    """Mean over benchmarks of the paired difference, in points; a stratum is (base, other, groups).

    A benchmark whose groups all show the same gain, mostly none, adds no width to the bootstrap, although
    groups unlike them may only have gone unseen. How far those could move its mean is added to the distance
    of each limit from the mean, as the root of the sum of squares (MOVER, Zou and Donner 2008).
    """
    gains = [(_gains(base, other), groups) for base, other, groups in strata]
    mean = bootstrap_mean(gains, resamples=resamples, confidence=confidence, seed=seed)
    unanimous = [found for found in unanimous_intervals(gains, -1.0, 1.0, confidence) if found is not None]
    below = [(found.value - found.low) / len(strata) for found in unanimous]
    above = [(found.high - found.value) / len(strata) for found in unanimous]
    low = mean.value - math.hypot(mean.value - mean.low, *below)
    high = mean.value + math.hypot(mean.high - mean.value, *above)
    return Difference(POINTS * mean.value, POINTS * low, POINTS * high)


def unanimous_intervals(
    strata: Sequence[tuple[np.ndarray, ArrayLike]], least: float, most: float, confidence: float
) -> list[Estimate | None]:
    """For each stratum of one mean in every group: that mean, and how far unseen groups may move it.

    Of n groups none was unlike the others, so the share of such groups is up to Wilson's limit for 0 of n,
    z^2 / (n + z^2). They could be anywhere between `least` and `most`: for gains that are all 0 the interval
    is that share to either side. None where groups differ.
    """
    found = []
    for values, groups in strata:
        sums, counts = _group_sums(values, groups)
        means = sums / counts
        unseen = wilson_interval(0, len(means), confidence=confidence).high
        value = float(sums.sum() / counts.sum())
        limits = value - unseen * (value - least), value + unseen * (most - value)
        found.append(Estimate(value, *limits) if np.ptp(means) < SAME else None)
    return found


def _gains(base_hits: ArrayLike, other_hits: ArrayLike) -> np.ndarray:
    base, other = np.asarray(base_hits, dtype=np.float64), np.asarray(other_hits, dtype=np.float64)
    if base.shape != other.shape:
        raise ValueError(f"the models answered different items: {base.shape} and {other.shape}")
    return other - base


def _group_sums(values: ArrayLike, groups: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    numbers, labels = np.asarray(values, dtype=np.float64), np.asarray(groups)
    if numbers.shape != labels.shape or numbers.ndim != 1:
        raise ValueError(f"values {numbers.shape} and groups {labels.shape} must be two equal rows")
    if not len(numbers):
        raise ValueError("an interval needs at least one item")
    _, index = np.unique(labels, return_inverse=True)
    return np.bincount(index, weights=numbers), np.bincount(index).astype(np.float64)


def _resampled_means(
    sums: np.ndarray, counts: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Means of `resamples` draws of whole groups with replacement; shape (resamples,).

    Groups of equal sum and count are of one kind, and only how often a kind is drawn matters: the number of
    draws of each kind is multinomial. Thousands of groups are mostly of a few kinds. Kinds are drawn in the
    order of their first groups, so that gains of the opposite sign are drawn alike.
    """
    kinds, first, number = np.unique(np.stack([sums, counts]), axis=1, return_index=True, return_counts=True)
    order = np.argsort(first)
    kinds, number = kinds[:, order], number[order]
    shares = number / number.sum()
    means = np.empty(resamples)
    step = max(1, DRAWS_AT_ONCE // len(number))
    for start in range(0, resamples, step):
        drawn = rng.multinomial(len(sums), shares, size=min(step, resamples - start))
        totals = drawn @ kinds.T  # sums and counts of each draw, (draws, 2)
        means[start : start + step] = totals[:, 0] / totals[:, 1]
    return means
