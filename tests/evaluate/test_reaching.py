"""Costs to reach an accuracy by hand; their ratio's interval as a jackknife, and against known ratios."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.coverage import LAYOUTS
from bench.simulated_runs import Training
from vzero.evaluate.crossed import components
from vzero.evaluate.reaching import CostRatio, Curves, Reached, cost_ratio, jackknife, reached

ITEMS = 8
GROUPS, STRATA = np.arange(ITEMS), np.repeat(["one", "other"], ITEMS // 2)


def curves(*means: float, costs: tuple[float, ...] = (1, 2, 3), seeds: int = 3) -> Curves:
    """Seeds and items that all have these accuracies at these costs."""
    scores = np.broadcast_to(np.array(means)[:, None], (seeds, len(means), ITEMS))
    return Curves(np.tile(np.array(costs, dtype=float), (seeds, 1)), scores)


def ratio_of(arm: Curves, baseline: Curves, target: float = 0.5) -> CostRatio:
    return cost_ratio(arm, baseline, GROUPS, STRATA, target=target, confidence=0.95)


def test_the_cost_lies_on_the_line_between_two_marks():
    assert reached(curves(0.2, 0.4, 0.8), STRATA, 0.5) == pytest.approx(2.25)
    assert reached(curves(0.2, 0.5, 0.8), STRATA, 0.5) == 2


def test_the_first_time_counts():
    assert reached(curves(0.2, 0.6, 0.4), STRATA, 0.4) == pytest.approx(1.5)
    assert reached(curves(0.6, 0.2, 0.7), STRATA, 0.5) == 1


def test_what_is_never_reached_has_no_cost():
    assert reached(curves(0.2, 0.4, 0.49), STRATA, 0.5) is None


def test_the_curve_is_the_mean_over_seeds_and_benchmarks_and_not_over_items():
    scores = np.zeros((2, 2, 4))
    scores[0, 1, 3] = 1  # 1/2 at the second mark: one of two seeds, and one of two benchmarks
    costs = np.array([[1.0, 2.0], [2.0, 4.0]])
    assert reached(Curves(costs, scores), ["a", "a", "a", "b"], 0.25) == pytest.approx(3)
    assert reached(Curves(costs, scores), ["a", "a", "a", "b"], 0.125) == pytest.approx(2.25)


def test_an_arm_that_is_twice_as_fast_for_every_seed_and_item_is_known_to_be():
    found = ratio_of(curves(0.2, 0.4, 0.8), curves(0.2, 0.4, 0.8, costs=(2, 4, 6)))
    assert found.reached is Reached.BOTH and found.seeds == 3
    assert (found.ratio, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_who_did_not_reach_it_is_told():
    up, down = curves(0.2, 0.4, 0.8), curves(0.2, 0.3, 0.3)
    assert ratio_of(down, up) == CostRatio(Reached.NOT_BY_ARM, 3)
    assert ratio_of(up, down) == CostRatio(Reached.NOT_BY_BASELINE, 3)
    assert ratio_of(down, down) == CostRatio(Reached.BY_NEITHER, 3)


def test_a_ratio_that_hangs_on_one_seed_has_no_interval():
    scores = np.array(curves(0.2, 0.4, 0.4).scores)
    scores[0, 2] = 1.0  # the mean is 0.6 with this seed, 0.4 without
    found = ratio_of(Curves(curves(0, 0, 0).costs, scores), curves(0.2, 0.4, 0.8))
    assert found == CostRatio(Reached.NOT_ALWAYS, 3, pytest.approx(2.5 / 2.25))


def test_one_seed_has_an_interval_over_items_alone():
    rng = np.random.default_rng(0)
    easy, baseline = (np.sort(rng.random((1, 3, ITEMS)), axis=1) + step for step in (0.2, 0.0))
    costs = np.array([[1.0, 2.0, 3.0]])
    found = ratio_of(Curves(costs, easy), Curves(costs, baseline))
    assert found.seeds == 1 and found.low is not None and found.high is not None
    assert found.low < found.ratio < found.high


@pytest.mark.parametrize("seeds", [2, 5])
def test_the_jackknife_of_a_mean_is_an_analysis_of_variance(seeds: int):
    scores = np.random.default_rng(0).random((seeds, 7))
    means = np.empty((seeds + 1, 8))
    for seed in range(seeds + 1):
        for part in range(8):
            means[seed, part] = scores[np.arange(seeds) != seed][:, np.arange(7) != part].mean()
    expected = components(scores, np.arange(7), np.zeros(7, dtype=int))
    assert vars(jackknife(means)) == pytest.approx(vars(expected))


def test_swapping_the_arms_inverts_the_ratio():
    training = Training(LAYOUTS[1], 3, 0.5, 0.1)
    arm, baseline = training.draw(np.random.default_rng(0))
    labels = LAYOUTS[1].groups, LAYOUTS[1].strata
    there = cost_ratio(arm, baseline, *labels, target=0.7, confidence=0.95)
    back = cost_ratio(baseline, arm, *labels, target=0.7, confidence=0.95)
    assert there.low and there.high and there.ratio and back.ratio
    assert there.ratio * back.ratio == pytest.approx(1)
    assert (back.low, back.high) == pytest.approx((1 / there.high, 1 / there.low))


def test_a_known_ratio_is_covered():
    training, rng = Training(LAYOUTS[1], 3, 0.5, 0.3), np.random.default_rng(0)
    labels, held = (LAYOUTS[1].groups, LAYOUTS[1].strata), []
    for _ in range(300):
        found = cost_ratio(*training.draw(rng), *labels, target=0.7, confidence=0.95)
        held.append((found.low or math.nan) <= training.true_ratio(0.7) <= (found.high or math.nan))
    assert np.mean(held) >= 0.93


def test_curves_that_do_not_fit_are_errors():
    with pytest.raises(ValueError, match="must ascend"):
        curves(0.2, 0.4, 0.8, costs=(1, 3, 3))
    with pytest.raises(ValueError, match="not those of scores"):
        Curves(np.ones((2, 3)), np.ones((2, 4, 5)))
    with pytest.raises(ValueError, match="other seeds or items"):
        ratio_of(curves(0.2, 0.4, 0.8), curves(0.2, 0.4, 0.8, seeds=2))


def test_what_is_reached_without_training_has_no_ratio():
    there = curves(0.6, 0.7, 0.8, costs=(0, 1, 2))
    assert ratio_of(there, curves(0.2, 0.4, 0.8)) == CostRatio(Reached.FROM_THE_START, 3)
