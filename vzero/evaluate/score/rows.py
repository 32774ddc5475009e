"""One stored row: its options, the letter read in its prediction, and whether that is the answer."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from vzero.answers.extract import extract
from vzero.answers.extraction import Extraction

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


def extracted(row: Row, reader: str = DEFAULT_READER) -> Extraction:
    """The letter `reader` reads in the row's prediction; `benchmark` is passed on where the row has one."""
    return extract(row["prediction"], choices(row), reader, benchmark=row.get("benchmark"))


def hit(row: Row, reader: str = DEFAULT_READER) -> int:
    """1 where the letter read is the row's answer, else 0; unresolved is 0."""
    return int(extracted(row, reader).letter == row["answer"])


def scored(rows: Iterable[Row], reader: str = DEFAULT_READER) -> list[Scored]:
    """Each row with its hit."""
    return [(row, hit(row, reader)) for row in rows]


def mean(hits: Iterable[int]) -> float:
    """Share of hits; NaN where there are none, as the toolkits report it."""
    values = list(hits)
    return fmean(values) if values else float("nan")
