"""Means over items and seeds that are crossed: by hand, as properties, and against runs of known accuracy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import stdtrit

from bench.coverage import LAYOUTS, difference, level
from bench.simulated_runs import Experiment
from vzero.evaluate.crossed import (
    Components,
    components,
    crossed_difference,
    crossed_mean,
    smallest_difference,
)
from vzero.evaluate.statistics import wilson_interval

CONFIDENCE = 0.95
ALONE, SHARED_IMAGES, TWO_BENCHMARKS = LAYOUTS
DRAWS = 2_000
tables = st.tuples(st.integers(1, 4), st.integers(6, 12)).flatmap(
    lambda shape: arrays(np.float64, (2, *shape), elements=st.sampled_from([0.0, 0.5, 1.0]))
)


def labels(items: int) -> tuple[np.ndarray, np.ndarray]:
    """Two strata, and images of an item each but for the first two items, which share theirs."""
    strata = (np.arange(items) >= items // 2).astype(int)
    return np.maximum(np.arange(items), 1) + 100 * strata, strata


def mean_of(scores: np.ndarray):
    return crossed_mean(scores, *labels(scores.shape[1]), confidence=CONFIDENCE)


def difference_of(scores: np.ndarray, others: np.ndarray):
    return crossed_difference(scores, others, *labels(scores.shape[1]), confidence=CONFIDENCE)


def test_two_seeds_and_three_items_by_hand():
    scores = np.array([[1.0, 0, 0], [1, 1, 0]])
    found = components(scores, np.arange(3), np.zeros(3, dtype=int))
    # Item means 1, 1/2, 0: variance 1/4, over 3. Seed means 1/3, 2/3: variance 1/18, over 2.
    assert (found.between_groups, found.between_seeds) == pytest.approx((1 / 12, 1 / 36))
    # What is left beside both is 1/6, -1/3, 1/6 and its opposite: squares 1/3, over 2 degrees and 6 answers.
    assert found.interaction == pytest.approx(1 / 36)
    assert (found.group_degrees, found.seed_degrees) == (2, 1)
    error, degrees = found.spread(CONFIDENCE)
    assert error == pytest.approx(math.sqrt(1 / 12 + 1 / 36 - 1 / 36))
    # t of 1 degree is 12.706 for seeds, and t of 2 is 4.303 for what items have beyond the rest: 1/12 - 1/36.
    half = math.sqrt(12.706**2 / 36 + 4.303**2 * (1 / 12 - 1 / 36))
    assert stdtrit(degrees, 0.975) * error == pytest.approx(half, rel=1e-3)


@given(seed=st.integers(0, 1000), seeds=st.integers(2, 6), items=st.integers(2, 30))
def test_the_parts_are_those_of_an_analysis_of_variance(seed: int, seeds: int, items: int):
    scores = np.random.default_rng(seed).random((seeds, items))
    # Independently, by projections of the table onto its items, its seeds and what is left.
    centre_seeds, centre_items = np.eye(seeds) - 1 / seeds, np.eye(items) - 1 / items
    left = centre_seeds @ scores @ centre_items
    of_seeds = np.trace(scores.T @ centre_seeds @ scores @ np.full((items, items), 1 / items))
    of_items = np.trace(scores @ centre_items @ scores.T @ np.full((seeds, seeds), 1 / seeds))
    answers = seeds * items
    found = components(scores, np.arange(items), np.zeros(items, dtype=int))
    assert found.between_seeds == pytest.approx(of_seeds / (seeds - 1) / answers)
    assert found.between_groups == pytest.approx(of_items / (items - 1) / answers)
    assert found.interaction == pytest.approx(np.trace(left @ left.T) / (seeds - 1) / (items - 1) / answers)


def test_a_part_that_comes_out_negative_takes_nothing_from_the_others():
    only_seeds = Components(0.1, 0.4, 0.3, group_degrees=100, seed_degrees=2)
    assert only_seeds.spread(CONFIDENCE)[0] == pytest.approx(math.sqrt(0.4))
    assert only_seeds.spread(CONFIDENCE)[1] == pytest.approx(2)
    only_groups = Components(0.4, 0.1, 0.3, group_degrees=100, seed_degrees=100)
    assert only_groups.spread(CONFIDENCE)[0] == pytest.approx(math.sqrt(0.4))
    assert only_groups.spread(CONFIDENCE)[1] == pytest.approx(100)


@settings(max_examples=60)
@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_seeds_and_items_is_of_no_account(arms: np.ndarray, shuffler):
    groups, strata = labels(arms.shape[2])
    rows, columns = list(range(arms.shape[1])), list(range(arms.shape[2]))
    shuffler.shuffle(rows)
    shuffler.shuffle(columns)
    there = crossed_mean(arms[0], groups, strata, confidence=CONFIDENCE)
    moved = arms[0][rows][:, columns]
    back = crossed_mean(moved, groups[columns], strata[columns], confidence=CONFIDENCE)
    assert (there.low, there.high) == pytest.approx((back.low, back.high), abs=1e-9)
    assert there.standard_error == pytest.approx(back.standard_error, abs=1e-9)


@settings(max_examples=60)
@given(tables)
def test_swapping_the_arms_turns_the_difference_around(arms: np.ndarray):
    there, back = difference_of(arms[0], arms[1]), difference_of(arms[1], arms[0])
    assert there.value == pytest.approx(-back.value)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


@given(tables, st.floats(-2, 2), st.floats(0.1, 3))
def test_what_is_added_to_every_score_is_of_no_account_and_factors_count_squared(arms, added, factor):
    groups, strata = labels(arms.shape[2])
    groups = np.unique(groups, return_inverse=True)[1]
    there = components(arms[0], groups, strata)
    moved = components(factor * arms[0] + added, groups, strata)
    for name in ("between_groups", "between_seeds", "interaction"):
        assert getattr(moved, name) == pytest.approx(factor**2 * getattr(there, name), abs=1e-9)


@settings(max_examples=60)
@given(tables)
def test_the_interval_holds_the_mean_and_is_never_without_width(arms: np.ndarray):
    mean, gain = mean_of(arms[0]), difference_of(arms[0], arms[1])
    assert 0 <= mean.low <= mean.value + 1e-9 and mean.value - 1e-9 <= mean.high <= 1
    assert -1 <= gain.low <= gain.value <= gain.high <= 1
    assert mean.high - mean.low > 0.05 and gain.standard_error > 0


def test_each_benchmark_counts_alike_and_each_seed():
    scores = np.array([[1.0] * 8 + [0, 0], [1.0] * 8 + [1, 0]])
    strata = ["large"] * 8 + ["small"] * 2
    mean = crossed_mean(scores, range(10), strata, confidence=CONFIDENCE)
    assert mean.value == pytest.approx(((1 + 0) / 2 + (1 + 0.5) / 2) / 2)
    assert (mean.seeds, mean.items) == (2, 10)


def test_four_answers_about_an_image_are_one_answer():
    scores = (np.random.default_rng(0).random((3, 50)) < 0.6).astype(float)
    once = crossed_mean(scores, range(50), [0] * 50, confidence=CONFIDENCE)
    groups = np.repeat(np.arange(50), 4)
    fourfold = crossed_mean(np.repeat(scores, 4, axis=1), groups, [0] * 200, confidence=CONFIDENCE)
    assert (fourfold.low, fourfold.high) == pytest.approx((once.low, once.high))
    assert fourfold.degrees == pytest.approx(once.degrees)


def test_seeds_that_answer_alike_tell_no_more_than_one_of_them():
    scores = (np.random.default_rng(0).random((1, 80)) < 0.6).astype(float)
    groups, strata = np.arange(80), np.zeros(80)
    one = crossed_mean(scores, groups, strata, confidence=CONFIDENCE)
    five = crossed_mean(np.repeat(scores, 5, axis=0), groups, strata, confidence=CONFIDENCE)
    assert (five.low, five.high) == pytest.approx((one.low, one.high))
    assert one.of_one_seed and not five.of_one_seed


def test_an_interval_of_one_seed_is_nearly_wilsons():
    scores = np.arange(100)[None] < 80
    ours = crossed_mean(scores, range(100), [0] * 100, confidence=CONFIDENCE)
    wilson = wilson_interval(80, 100, confidence=CONFIDENCE)
    assert (ours.low, ours.high) == pytest.approx((wilson.low, wilson.high), abs=0.002)


def test_arms_that_never_differ_are_not_known_to_be_equal():
    same = np.ones((3, 96))
    gain = crossed_difference(same, same, range(96), [0] * 96, confidence=CONFIDENCE)
    # Wilson's limit for 0 of 96 is 3.8415 / 99.8415, with t of 95 degrees in the place of z.
    assert gain.high == pytest.approx(3.8415 / 99.8415 * 1.9853 / 1.9600, abs=1e-4)
    assert gain.low == -gain.high
    assert smallest_difference(gain, CONFIDENCE) > gain.high
    right = crossed_mean(same, range(96), [0] * 96, confidence=CONFIDENCE)
    assert (right.low, right.high) == (pytest.approx(1 - gain.high), 1)


def test_a_benchmark_on_which_arms_agree_adds_its_part():
    base = np.zeros((3, 60))
    better = base.copy()
    better[:, :10] = 1
    strata = np.repeat(["moving", "still"], 30)
    gain = crossed_difference(better, base, range(60), strata, confidence=CONFIDENCE)
    # 10 of 30 at 1: variance 1/3 * 2/3 * 30/29 / 30. The still one: half of 3.8415 / 33.8415 is 1.96 errors.
    moving, still = 2 / 9 / 29 / 4, (3.8415 / 33.8415 / 2 / 1.96) ** 2
    assert gain.standard_error == pytest.approx(math.sqrt(moving + still), rel=1e-4)


def test_a_true_difference_of_that_size_is_found_four_times_in_five():
    gain = difference_of(*np.random.default_rng(0).random((2, 5, 40)))
    rng, degrees = np.random.default_rng(1), gain.degrees
    truth = smallest_difference(gain, CONFIDENCE)
    means = truth + gain.standard_error * rng.normal(size=100_000)
    errors = gain.standard_error * np.sqrt(rng.chisquare(degrees, 100_000) / degrees)
    found = np.abs(means / errors) > stdtrit(degrees, 0.975)
    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_items_may_count_for_more_and_for_less_than_one():
    """One of four counts twice and the others 2/3 each, as in strata of unequal size; the last is wrong."""
    weighted = crossed_mean([[2, 2 / 3, 2 / 3, 0]], range(4), [0] * 4, confidence=CONFIDENCE)
    assert weighted.value == pytest.approx(5 / 6)
    assert 0 < weighted.low < weighted.value < weighted.high <= 1


@pytest.mark.parametrize(
    ("scores", "groups", "strata", "message"),
    [
        ([0, 1], [0, 1], [0, 0], "seeds x items"),
        ([[0, math.nan]], [0, 1], [0, 0], "must be numbers"),
        ([[0, 1]], [0, 1, 2], [0, 0], "2 items have groups"),
        ([[0, 1, 1]], [0, 1, 2], [0, 0, 1], "two groups in each stratum"),
    ],
)
def test_what_has_no_interval_is_an_error(scores, groups, strata, message):
    with pytest.raises(ValueError, match=message):
        crossed_mean(scores, groups, strata, confidence=CONFIDENCE)


def test_arms_of_other_seeds_cannot_be_compared():
    with pytest.raises(ValueError, match="other seeds or items"):
        crossed_difference([[0, 1]], [[0, 1], [1, 1]], [0, 1], [0, 0], confidence=CONFIDENCE)


@pytest.mark.parametrize(
    ("layout", "seed_spread", "fit_spread"), [(ALONE, 0.6, 0.0), (TWO_BENCHMARKS, 0.25, 0.7)]
)
def test_no_difference_is_seldom_taken_for_one_even_with_three_seeds(layout, seed_spread, fit_spread):
    low, high = difference(Experiment(layout, 3, 0.5, 0.0, seed_spread, fit_spread), DRAWS).T
    assert ((low > 0) | (high < 0)).mean() <= 0.07


def test_a_difference_near_the_ceiling_is_covered():
    low, high = difference(Experiment(SHARED_IMAGES, 5, 0.95, 0.02, 0.6, 0.7), DRAWS).T
    assert ((low <= 0.02) & (high >= 0.02)).mean() >= 0.93


def test_an_accuracy_near_the_ceiling_is_covered():
    low, high = level(Experiment(SHARED_IMAGES, 10, 0.95, 0.0, 0.0, 0.0), DRAWS).T
    assert ((low <= 0.95) & (high >= 0.95)).mean() >= 0.93
