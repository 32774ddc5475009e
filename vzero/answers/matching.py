"""What comparing a free-form reply with the right answer gives, whichever reader compares."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Match:
    """`hit` is None where no rule could decide."""

    hit: bool | None
    rule: str


UNRESOLVED = Match(None, "unresolved")


@dataclass(frozen=True)
class Expected:
    """What readers may know of an open question."""

    answer: str
    answer_type: str = ""
    """As MathVista publishes it: integer, float, text, list; "" elsewhere."""
    benchmark: str | None = None
