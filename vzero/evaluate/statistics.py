"""Intervals for accuracies and for differences between two models on the same items.

Items about the same image (one `group`) stand or fall together, so every bootstrap resamples groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

POINTS = 100.0


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
    interval = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    return Estimate(hits / n, float(interval.low), float(interval.high))


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
    vary; Wilson's interval over the groups is then the honest width.
    """
    values, labels = np.asarray(hits, dtype=np.float64), np.asarray(groups)
    independent = len(np.unique(labels))
    if independent == len(values) and np.isin(values, (0.0, 1.0)).all():
        return wilson_interval(int(values.sum()), len(values), confidence=confidence)
    if np.ptp(values) == 0 and values[0] in (0.0, 1.0):
        return wilson_interval(int(values[0]) * independent, independent, confidence=confidence)
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


def mean_paired_difference(
    strata: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]], *, resamples: int, confidence: float, seed: int
) -> Difference:
    """Mean over benchmarks of the paired difference, in points; a stratum is (base, other, groups)."""
    gains = [(_gains(base, other), groups) for base, other, groups in strata]
    mean = bootstrap_mean(gains, resamples=resamples, confidence=confidence, seed=seed)
    return Difference(POINTS * mean.value, POINTS * mean.low, POINTS * mean.high)


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
    """Means of `resamples` draws of whole groups with replacement; shape (resamples,)."""
    groups = len(sums)
    means = np.empty(resamples)
    for position in range(resamples):
        drawn = rng.integers(groups, size=groups)
        means[position] = sums[drawn].sum() / counts[drawn].sum()
    return means
