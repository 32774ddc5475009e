"""Whether a measured difference bears out the claim that one arm is better than another by so much."""

from __future__ import annotations

from enum import Enum

from vzero.evaluate.crossed import CrossedMean, smallest_difference
from vzero.evaluate.statistics import POINTS, SAME


class Verdict(Enum):
    """What the interval of a difference says of a claim."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    CANNOT_BE_TOLD = "cannot be told"


def judge(difference: CrossedMean, by: float) -> Verdict:
    """Whether the difference, a fraction, is more than `by`, from the side of it that the interval lies on.

    A limit that differs from `by` by rounding alone is on neither side.
    """
    if difference.low > by + SAME:
        return Verdict.HOLDS
    return Verdict.DOES_NOT_HOLD if difference.high < by - SAME else Verdict.CANNOT_BE_TOLD


def sentence(claim: str, difference: CrossedMean, *, by: float, confidence: float) -> str:
    """The claim with its verdict, the difference in points and its interval, and what could have been shown.

    `claim` says which arm is better than which, and by more than what where `by` is not 0.
    """
    points = [POINTS * each for each in (difference.value, difference.low, difference.high)]
    value, low, high = (f"{0.0 if abs(each) < 0.05 else each:+.1f}" for each in points)
    seeds = "this seed alone" if difference.of_one_seed else f"{difference.seeds} seeds"
    smallest = POINTS * smallest_difference(difference, confidence)
    return (
        f"{claim}: {judge(difference, by).value} ({value} points, {low} to {high}; "
        f"{seeds} x {difference.items} items; so many would show a difference of {smallest:.1f})"
    )
