"""What it costs an arm to reach a stated accuracy, and the ratio of two arms' costs with its interval.

An arm's curve is its mean accuracy over strata, items and seeds at each mark of the training, against the
mean cost (seconds, FLOPs) of its seeds up to that mark. The ratio's interval is a jackknife on the log scale,
over seeds and over fixed parts of the groups, whose variances are put together as those of a crossed mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from vzero.evaluate.crossed import Components, indexed, item_weights

PARTS = 20  # of the groups, each left out in turn


@dataclass(frozen=True)
class Curves:
    """Costs up to each mark, (seeds, marks), ascending; scores of the items there, (seeds, marks, items)."""

    costs: np.ndarray
    scores: np.ndarray

    def __post_init__(self) -> None:
        if self.costs.ndim != 2 or self.scores.shape[:2] != self.costs.shape or not self.scores.size:
            raise ValueError(f"costs {self.costs.shape} are not those of scores {self.scores.shape}")
        if not (self.costs[:, 0] >= 0).all() or not (np.diff(self.costs, axis=1) > 0).all():
            raise ValueError("costs must ascend from mark to mark, from 0 or above")


class Reached(Enum):
    """Which arms reach the accuracy."""

    BOTH = "reached by both"
    NOT_ALWAYS = "reached by both, but not without some of the seeds or items"
    NOT_BY_ARM = "not reached by the arm"
    NOT_BY_BASELINE = "not reached by the baseline"
    BY_NEITHER = "reached by neither"
    FROM_THE_START = "reached without training, if only by some of the seeds or items"


@dataclass(frozen=True)
class CostRatio:
    """The arm's cost over the baseline's; None where one does not reach the accuracy. The interval is None
    also where some seeds or items are needed to reach it. Of one seed alone it says nothing about others."""

    reached: Reached
    seeds: int
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


def reached(curves: Curves, strata: ArrayLike, target: float) -> float | None:
    """The cost at which the curve first is at `target`, on a line between two marks; None where it never is.

    `strata` are labels of the items' benchmarks, (items,).
    """
    weights = item_weights(np.unique(np.asarray(strata), return_inverse=True)[1])
    means = (curves.scores @ weights).mean(axis=0)
    [cost] = _first(curves.costs.mean(axis=0), means[None], target)
    return None if math.isinf(cost) else float(cost)


def cost_ratio(
    arm: Curves, baseline: Curves, groups: ArrayLike, strata: ArrayLike, *, target: float, confidence: float
) -> CostRatio:
    """Cost of `arm` over that of `baseline` to reach the accuracy `target`, paired by seed and item.

    `groups` and `strata` are labels, (items,), as for `crossed_mean`. Raises ValueError for arms of other
    seeds or items, and for a stratum of fewer than two groups.
    """
    seeds, items = len(arm.costs), arm.scores.shape[2]
    if (len(baseline.costs), baseline.scores.shape[2]) != (seeds, items):
        raise ValueError(f"the arms have other seeds or items: {arm.scores.shape}, {baseline.scores.shape}")
    weights = _weights_without_parts(*indexed(groups, strata, items))
    one, other = (_costs(curves, weights, target) for curves in (arm, baseline))
    state = _state(one, other)
    if state not in (Reached.BOTH, Reached.NOT_ALWAYS):
        return CostRatio(state, seeds)
    ratio = float(one[-1, -1] / other[-1, -1])
    if state is Reached.NOT_ALWAYS:
        return CostRatio(state, seeds, ratio)
    error, degrees = jackknife(np.log(one / other)).spread(confidence)
    factor = math.exp(float(stdtrit(degrees, (1 + confidence) / 2)) * error)
    return CostRatio(state, seeds, ratio, ratio / factor, ratio * factor)


def jackknife(values: np.ndarray) -> Components:
    """Variances of a statistic from its values without each seed and each part; (seeds + 1, parts + 1).

    The last row and the last column leave none out; of one seed there is the last row alone. For a mean the
    variances are those of an analysis of variance with two ways.
    """
    seeds, parts = values.shape[0] - 1, values.shape[1] - 1
    without_part, without_seed = values[-1, :-1], values[:-1, -1]
    of_parts = (parts - 1) * float(without_part.var())
    if not seeds:
        return Components(of_parts, 0.0, 0.0, parts - 1, 0)
    both = values[:-1, :-1] - without_seed[:, None] - without_part + values[-1, -1]
    of_both = (seeds - 1) * (parts - 1) * float((both**2).mean())
    return Components(of_parts, (seeds - 1) * float(without_seed.var()), of_both, parts - 1, seeds - 1)


def _state(arm: np.ndarray, baseline: np.ndarray) -> Reached:
    """From costs without seeds and parts as of `_costs`; infinite ones are not reached."""
    if min(arm.min(), baseline.min()) <= 0:
        return Reached.FROM_THE_START
    missing = np.isinf(arm[-1, -1]), np.isinf(baseline[-1, -1])
    if all(missing):
        return Reached.BY_NEITHER
    if any(missing):
        return Reached.NOT_BY_ARM if missing[0] else Reached.NOT_BY_BASELINE
    return Reached.NOT_ALWAYS if np.isinf(arm).any() or np.isinf(baseline).any() else Reached.BOTH


def _weights_without_parts(groups: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Weights of the items without each of at most `PARTS` parts of the groups, the last with all.

    Shape (items, parts + 1). Groups are dealt out at random, but always alike, and stratum by stratum, so
    that each part has its share of each.
    """
    labels, first = np.unique(groups, return_index=True)
    mixed = np.random.default_rng(0).permutation(len(labels))
    mixed = mixed[np.argsort(strata[first[mixed]], kind="stable")]
    part = np.empty(len(labels), dtype=int)
    part[mixed] = np.arange(len(labels)) % PARTS
    weights = np.zeros((len(groups), int(part.max()) + 2))
    for left_out, column in enumerate(weights.T):
        kept = part[groups] != left_out
        column[kept] = item_weights(strata[kept])
    return weights


def _costs(curves: Curves, weights: np.ndarray, target: float) -> np.ndarray:
    """Costs to reach the target without each seed and each part, infinite where it is not reached.

    Shape (seeds + 1, parts + 1), none left out last; of one seed (1, parts + 1).
    """
    seeds = len(curves.costs)
    means = curves.scores @ weights
    kept = [np.arange(seeds) != left_out for left_out in range(seeds if seeds > 1 else 0)]
    rows = [*kept, np.full(seeds, True)]
    return np.stack(
        [_first(curves.costs[row].mean(axis=0), means[row].mean(axis=0).T, target) for row in rows]
    )


def _first(costs: np.ndarray, means: np.ndarray, target: float) -> np.ndarray:
    """Where lines through `costs`, (marks,), and each row of `means`, (rows, marks), are first at the target.

    Shape (rows,); infinite where they never are.
    """
    above, rows = means >= target, np.arange(len(means))
    mark = above.argmax(axis=1)
    before = np.maximum(mark - 1, 0)
    low, high = means[rows, before], means[rows, mark]
    share = np.divide(target - low, high - low, out=np.ones(len(means)), where=mark > 0)
    found = costs[before] + share * (costs[mark] - costs[before])
    return np.where(above.any(axis=1), found, math.inf)
