"""Paired tests against hand-worked numbers and against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from vzero.evaluate.significance import mcnemar, smallest_detectable


def test_mcnemar_counts_the_items_that_only_one_model_got():
    base = [1, 1, 1, 0, 0, 0, 0, 0, 1, 0]
    other = [1, 1, 0, 1, 1, 1, 1, 1, 1, 1]
    found = mcnemar(base, other)
    assert (found.only_base, found.only_other) == (1, 6)
    # P(at most 1 of 7, or at least 6) at even odds: 2 * (1 + 7) / 128.
    assert found.p_value == pytest.approx(16 / 128)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_the_two_sided_binomial_tail(pairs):
    base, other = zip(*pairs, strict=True)
    found = mcnemar(base, other)
    n, least = found.only_base + found.only_other, min(found.only_base, found.only_other)
    assert found.p_value == pytest.approx(min(1.0, 2 * binom.cdf(least, n, 0.5)) if n else 1.0)
    assert mcnemar(other, base).p_value == pytest.approx(found.p_value)


def test_models_that_answered_other_items_are_refused():
    with pytest.raises(ValueError, match="different items"):
        mcnemar([1, 0], [1])


def test_v_star_shows_eight_points_where_models_differ_on_a_sixth_of_its_items():
    assert smallest_detectable(191, 1 / 6) == pytest.approx(2.8016 * math.sqrt(1 / 6 / 191), rel=1e-4)
    assert round(smallest_detectable(191, 1 / 6), 3) == 0.083


def test_a_true_difference_of_that_size_is_found_about_four_times_in_five():
    n, discordant = 800, 0.2
    difference = smallest_detectable(n, discordant)
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(400):
        kind = rng.choice(
            3, size=n, p=[1 - discordant, (discordant - difference) / 2, (discordant + difference) / 2]
        )
        found += mcnemar(kind == 1, kind == 2).p_value < 0.05
    assert 0.74 < found / 400 < 0.9


def test_models_that_hardly_differ_cannot_differ_by_more():
    assert smallest_detectable(10, 0.01) == 0.01
    with pytest.raises(ValueError, match="discordant a share"):
        smallest_detectable(10, 1.5)
