"""A reply against its item's answer: which policy reads it, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vzero.evaluate import open_answers
from vzero.evaluate.benchmarks.catalogue import CATALOGUE
from vzero.evaluate.extract import extract
from vzero.evaluate.extraction import lettered

LETTERS_BY_DEFAULT, OPEN_BY_DEFAULT = "vlmevalkit-exact", "vzero"


@dataclass(frozen=True)
class Reading:
    policy: str
    letter: str | None
    """None for open questions, and where no rule could read the reply."""
    rule: str
    resolved: bool
    hit: bool


def read(row: Mapping[str, Any], policy: str | None = None) -> Reading:
    """The answer in a row with benchmark, options, answer, answer_type and text; unresolved is no hit.

    Without a policy, the one that the benchmark declares. Open questions go by `policy` where it knows how to
    match them, else by the benchmark's own policy for them.
    """
    declared = CATALOGUE.get(row["benchmark"])
    if any(option is not None for option in row["options"]):
        named = policy or (declared.scorer if declared else LETTERS_BY_DEFAULT)
        found = extract(row["text"], lettered(row["options"]), named, benchmark=row["benchmark"])
        hit = found.letter == row["answer"]
        return Reading(named, found.letter, found.rule, found.letter is not None, hit)
    own = declared.open_scorer if declared else None
    named = policy if policy in open_answers.POLICIES else own or OPEN_BY_DEFAULT
    match = open_answers.match(
        row["text"], row["answer"], named, benchmark=row["benchmark"], answer_type=row["answer_type"]
    )
    return Reading(named, None, match.rule, match.hit is not None, bool(match.hit))
