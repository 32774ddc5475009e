"""Whether a difference between two models is more than chance, and what a benchmark could show at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, ndtri  # scipy.stats has whole tests, and takes a second to import

POWER = 0.8  # how likely a difference of the detectable size is to be found


@dataclass(frozen=True)
class McNemar:
    """Items that only one of two models got right, and how likely so uneven a split is by chance."""

    only_base: int
    only_other: int
    p_value: float


def mcnemar(base_hits: ArrayLike, other_hits: ArrayLike) -> McNemar:
    """The exact two-sided test on paired hits, both (items,): a binomial test on the discordant items.

    It takes the items for independent; where several share an image, trust the group bootstrap.
    """
    base, other = np.asarray(base_hits, dtype=bool), np.asarray(other_hits, dtype=bool)
    if base.shape != other.shape or base.ndim != 1:
        raise ValueError(f"the models answered different items: {base.shape} and {other.shape}")
    only_base, only_other = int((base & ~other).sum()), int((other & ~base).sum())
    discordant = only_base + only_other
    # Both tails are alike, and share the middle where the items split evenly.
    tails = 2 * float(bdtr(min(only_base, only_other), discordant, 0.5))
    return McNemar(only_base, only_other, min(1.0, tails))


def smallest_detectable(n: int, discordant: float, *, confidence: float = 0.95) -> float:
    """The smallest true paired difference, as a fraction, that `n` items show with the usual power.

    `discordant` is the share of items on which the models differ (Connor 1987, normal approximation, with the
    difference under the root left out: a slight overestimate). Never above the discordant share itself.
    """
    if n < 1 or not 0 <= discordant <= 1:
        raise ValueError(f"n must be positive and discordant a share, got {n} and {discordant}")
    z = ndtri((1 + confidence) / 2) + ndtri(POWER)
    return min(discordant, float(z) * math.sqrt(discordant / n))
