"""One stored row: its options, and whether it was answered right."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

Row = Mapping[str, Any]
Scored = tuple[Row, int]  # a row and its hit
LETTERS = frozenset(string.ascii_uppercase)
DEFAULT_READER = "vlmevalkit-exact"


def missing(value: object) -> bool:
    """Whether a cell is empty: None, or a value unequal to itself as NaN is."""
    return value is None or value != value


def choices(row: Row) -> dict[str, Any]:
    """Options by letter, A to Z; an empty cell is no option, which moves no other letter."""
    present = sorted(LETTERS.intersection(row))
    return {letter: row[letter] for letter in present if not missing(row[letter])}


def mean(hits: Iterable[int]) -> float:
    """Share of hits; NaN where there are none, as the toolkits report it."""
    values = list(hits)
    return fmean(values) if values else float("nan")
