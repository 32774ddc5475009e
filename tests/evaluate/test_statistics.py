"""Intervals against hand-worked numbers, against scipy's own bootstrap, and as properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap

from vzero.evaluate.statistics import (
    accuracy_interval,
    bootstrap_mean,
    mean_paired_difference,
    paired_difference,
    wilson_interval,
)

SETTINGS = {"resamples": 400, "confidence": 0.95, "seed": 3}
answers = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40)


@given(n=st.integers(1, 2000), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(n: int, share: float, confidence: float):
    hits = round(n * share)
    theirs = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    interval = wilson_interval(hits, n, confidence=confidence)
    assert interval.value == hits / n
    assert interval.low == pytest.approx(theirs.low, abs=1e-12)
    assert interval.high == pytest.approx(theirs.high, abs=1e-12)


def test_wilson_of_the_191_v_star_items_at_eighty_per_cent():
    interval = wilson_interval(153, 191, confidence=0.95)
    assert (round(interval.low, 3), round(interval.high, 3)) == (0.739, 0.851)


def test_an_interval_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="at least one item"):
        wilson_interval(0, 0, confidence=0.95)
    with pytest.raises(ValueError, match="at least one item"):
        bootstrap_mean([([], [])], **SETTINGS)
    with pytest.raises(ValueError, match="at least one item"):
        bootstrap_mean([], **SETTINGS)


def test_group_bootstrap_agrees_with_scipys():
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 6, size=120)
    groups = np.repeat(np.arange(120), sizes)
    hits = rng.random(len(groups)) < np.repeat(rng.random(120), sizes)
    ours = bootstrap_mean([(hits, groups)], resamples=6000, confidence=0.9, seed=1)
    sums, counts = np.bincount(groups, hits), np.bincount(groups)
    theirs = bootstrap(
        (sums, counts),
        lambda s, c, axis: s.sum(axis=axis) / c.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=6000,
        confidence_level=0.9,
        method="percentile",
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert ours.value == hits.mean()
    assert ours.low == pytest.approx(theirs.low, abs=0.004)
    assert ours.high == pytest.approx(theirs.high, abs=0.004)


def test_the_mean_of_benchmarks_has_the_width_of_independent_means():
    rng = np.random.default_rng(5)
    strata = [(rng.random(n) < p, np.arange(n)) for n, p in ((400, 0.5), (400, 0.4), (100, 0.7))]
    ours = bootstrap_mean(strata, resamples=4000, confidence=0.95, seed=0)
    shares = [hits.mean() for hits, _ in strata]
    error = math.sqrt(sum(p * (1 - p) / len(hits) for p, (hits, _) in zip(shares, strata, strict=True))) / 3
    assert ours.value == pytest.approx(np.mean(shares))
    assert ours.high - ours.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_four_answers_a_question_are_not_four_questions():
    questions = np.random.default_rng(0).random(100) < 0.5
    alone = accuracy_interval(questions, np.arange(100), **SETTINGS)
    fourfold = accuracy_interval(np.repeat(questions, 4), np.repeat(np.arange(100), 4), **SETTINGS)
    as_if_independent = wilson_interval(4 * int(questions.sum()), 400, confidence=0.95)
    assert alone == wilson_interval(int(questions.sum()), 100, confidence=0.95)
    assert fourfold.high - fourfold.low == pytest.approx(alone.high - alone.low, rel=0.15)
    assert fourfold.high - fourfold.low > 1.7 * (as_if_independent.high - as_if_independent.low)


@pytest.mark.parametrize("right", [0, 1])
def test_unanimous_groups_still_have_an_interval(right: int):
    interval = accuracy_interval([right] * 40, np.repeat(np.arange(10), 4), **SETTINGS)
    wilson = wilson_interval(10 * right, 10, confidence=0.95)
    assert (interval.low, interval.high) == pytest.approx((wilson.low, wilson.high))
    assert interval.value == right
    assert interval.high - interval.low > 0.2


def test_groups_that_are_all_half_right_have_an_interval_too():
    interval = accuracy_interval([1, 0] * 10, np.repeat(np.arange(10), 2), **SETTINGS)
    # Up to z^2 / (10 + z^2) = 0.2775 of the groups may be all right or all wrong, at z = 1.96.
    assert (interval.low, interval.high) == pytest.approx((0.5 - 0.5 * 0.2775, 0.5 + 0.5 * 0.2775), abs=1e-4)


def test_two_models_that_never_differ_are_not_known_to_be_equal():
    same = [1, 0] * 48
    difference = paired_difference(same, same, range(96), **SETTINGS)
    # Wilson's limit for 0 of 96: z^2 / (96 + z^2) = 3.8415 / 99.8415.
    assert difference.delta == 0
    assert (difference.low, difference.high) == pytest.approx((-3.8476, 3.8476), abs=1e-3)
    # The exact (Clopper-Pearson) limit is 1 - 0.025^(1/96) = 3.77 points.
    exact = 100 * binomtest(0, 96).proportion_ci(0.95, method="exact").high
    assert difference.high == pytest.approx(exact, abs=0.1)


def test_one_more_question_that_differs_moves_the_interval_a_little_and_not_from_nothing():
    base = np.zeros(96)
    one_better = np.concatenate([[1], base[1:]])
    none = paired_difference(base, base, range(96), **SETTINGS)
    one = paired_difference(base, one_better, range(96), **SETTINGS)
    assert 0 < one.high - none.low < 2 * (none.high - none.low)


def test_four_answers_that_agree_are_one_agreement():
    same = np.ones(40)
    grouped = paired_difference(same, same, np.repeat(np.arange(10), 4), **SETTINGS)
    assert grouped == paired_difference(np.ones(10), np.ones(10), range(10), **SETTINGS)


def test_a_gain_in_every_group_may_still_miss_groups_without_one():
    difference = paired_difference(np.zeros(10), np.ones(10), range(10), **SETTINGS)
    # Up to 27.75 % of the groups may go from right to wrong instead: 100 - 2 * 27.75.
    assert difference.delta == 100
    assert (difference.low, difference.high) == pytest.approx((100 - 2 * 27.75, 100), abs=0.01)


def test_paired_difference_is_in_points():
    difference = paired_difference([0, 0, 1, 1], [1, 1, 1, 0], ["a", "b", "c", "d"], **SETTINGS)
    assert difference.delta == 25.0
    assert -100 <= difference.low < 25 < difference.high <= 100


def test_pairing_cancels_what_both_models_share():
    rng = np.random.default_rng(1)
    base = rng.random(500) < 0.5
    other = base | (rng.random(500) < 0.05)
    groups = np.arange(500)
    paired = paired_difference(base, other, groups, **SETTINGS)
    alone = 100 * accuracy_interval(other, groups, **SETTINGS).high - 100 * other.mean()
    assert paired.low > 0
    assert paired.high - paired.delta < alone / 1.5


def test_the_mean_difference_weighs_benchmarks_not_items():
    small = ([0, 0], [1, 1], [0, 1])  # +100 points
    large = ([1] * 100, [1] * 100, range(100))  # no change
    assert mean_paired_difference([small, large], **SETTINGS).delta == 50.0


def test_the_widths_of_benchmarks_without_change_add_up_as_squares():
    still = ([1] * 96, [1] * 96, range(96))
    alone = mean_paired_difference([still], **SETTINGS)
    twice = mean_paired_difference([still, still], **SETTINGS)
    assert twice.high == pytest.approx(alone.high / math.sqrt(2))
    moving = (np.zeros(96), np.arange(96) % 8 == 0, range(96))
    bootstrap = mean_paired_difference([moving], **SETTINGS)
    both = mean_paired_difference([moving, still], **SETTINGS)
    expected = math.hypot(bootstrap.high - bootstrap.delta, alone.high) / 2
    assert both.high - both.delta == pytest.approx(expected)


def test_models_that_answered_different_items_cannot_be_compared():
    with pytest.raises(ValueError, match="different items"):
        paired_difference([1, 0], [1], ["a", "b"], **SETTINGS)
    with pytest.raises(ValueError, match="two equal rows"):
        paired_difference([1, 0], [1, 0], ["a"], **SETTINGS)


@settings(max_examples=40)
@given(answers)
def test_swapping_the_models_turns_the_difference_around(rows: list[tuple[bool, bool, int]]):
    base, other, groups = (list(column) for column in zip(*rows, strict=True))
    there, back = (
        paired_difference(base, other, groups, **SETTINGS),
        paired_difference(other, base, groups, **SETTINGS),
    )
    assert there.delta == pytest.approx(-back.delta)
    assert (there.low, there.high) == (pytest.approx(-back.high), pytest.approx(-back.low))


@settings(max_examples=40)
@given(answers)
def test_the_interval_holds_the_value_inside_the_possible_range(rows: list[tuple[bool, bool, int]]):
    hits, _, groups = (list(column) for column in zip(*rows, strict=True))
    interval = accuracy_interval(hits, groups, **SETTINGS)
    assert 0 <= interval.low <= interval.high <= 1
    assert interval.value == pytest.approx(np.mean(hits))
    assert interval.low <= interval.value + 1e-9
    assert interval.value <= interval.high + 1e-9


def test_drawing_kinds_of_groups_is_drawing_groups():
    """Few kinds with many groups each, against one draw after another of whole groups."""
    rng = np.random.default_rng(0)
    sums, counts = rng.integers(0, 5, 300), np.full(300, 4)
    groups = np.repeat(np.arange(300), 4)
    hits = np.concatenate([[1] * right + [0] * (4 - right) for right in sums])
    drawn = rng.integers(300, size=(20_000, 300))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    ours = bootstrap_mean([(hits, groups)], resamples=20_000, confidence=0.95, seed=0)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.002)


def test_more_resamples_than_fit_in_memory_at_once_are_drawn_alike(monkeypatch: pytest.MonkeyPatch):
    values, groups = np.random.default_rng(0).random(50), np.arange(50)
    whole = bootstrap_mean([(values, groups)], **SETTINGS)
    monkeypatch.setattr("vzero.evaluate.statistics.DRAWS_AT_ONCE", 1_000)
    assert bootstrap_mean([(values, groups)], **SETTINGS) == whole


@settings(max_examples=40)
@given(answers, st.randoms())
def test_the_same_rows_and_seed_give_the_same_interval(rows: list[tuple[bool, bool, int]], shuffler):
    base, other, groups = (list(column) for column in zip(*rows, strict=True))
    assert paired_difference(base, other, groups, **SETTINGS) == paired_difference(
        base, other, groups, **SETTINGS
    )
    shuffler.shuffle(rows)
    again = paired_difference(*zip(*rows, strict=True), **SETTINGS)
    assert again == paired_difference(base, other, groups, **SETTINGS)
