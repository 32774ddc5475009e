"""Claims judged by the interval of a difference."""

from __future__ import annotations

import numpy as np
import pytest

from vzero.evaluate.claims import Verdict, judge, sentence
from vzero.evaluate.crossed import CrossedMean, crossed_difference


def measured(value: float, low: float, high: float, *, seeds: int = 5) -> CrossedMean:
    return CrossedMean(value, low, high, standard_error=0.0055, degrees=60.0, seeds=seeds, items=320)


@pytest.mark.parametrize(
    ("low", "high", "by", "verdict"),
    [
        (0.002, 0.02, 0.0, Verdict.HOLDS),
        (0.002, 0.02, 0.01, Verdict.CANNOT_BE_TOLD),
        (0.002, 0.02, 0.03, Verdict.DOES_NOT_HOLD),
        (-0.02, -0.002, 0.0, Verdict.DOES_NOT_HOLD),
        (0.0, 0.02, 0.0, Verdict.CANNOT_BE_TOLD),
        (0.1 + 0.2 - 0.3, 0.02, 0.0, Verdict.CANNOT_BE_TOLD),  # a crumb of rounding above 0
    ],
)
def test_the_side_of_the_claim_that_the_interval_lies_on_decides(low, high, by, verdict):
    assert judge(measured((low + high) / 2, low, high), by) is verdict


def test_the_sentence_says_what_was_found_and_what_could_have_been():
    claim = "paper with the gate is better than without on regions"
    assert sentence(claim, measured(0.009, -0.002, 0.02), by=0, confidence=0.95) == (
        f"{claim}: cannot be told (+0.9 points, -0.2 to +2.0; 5 seeds x 320 items; "
        "so many would show a difference of 1.6)"
    )


def test_one_seed_speaks_for_itself_alone():
    found = sentence("a is better than b", measured(0.03, 0.01, 0.05, seeds=1), by=0, confidence=0.95)
    assert found.startswith("a is better than b: holds (+3.0 points, +1.0 to +5.0; this seed alone x 320")


def test_nothing_found_is_not_minus_nothing():
    found = sentence("a is better than b", measured(-0.0001, -0.01, 0.01), by=0, confidence=0.95)
    assert "(+0.0 points, -1.0 to +1.0;" in found


def test_a_gain_in_every_seed_and_most_items_holds():
    gains = np.ones((3, 50))
    gains[:, 45:] = 0
    measured_gain = crossed_difference(gains, np.zeros((3, 50)), range(50), [0] * 50, confidence=0.95)
    assert judge(measured_gain, 0.5) is Verdict.HOLDS
    assert judge(measured_gain, 0.9) is Verdict.CANNOT_BE_TOLD
    assert judge(measured_gain, 0.99) is Verdict.DOES_NOT_HOLD
