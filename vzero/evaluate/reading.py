"""Replies as a reader reads them, and held against the answers of their items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from vzero.answers import open_answers
from vzero.answers.extract import READERS, find_reader
from vzero.answers.extraction import lettered
from vzero.benchmarks.catalogue import CATALOGUE
from vzero.tables import REFUSED

LETTERS_BY_DEFAULT, OPEN_BY_DEFAULT = "vlmevalkit-exact", "vzero"

PICTURE_REFUSED = "picture_refused"
"""The rule of items that were not asked: the model's processor takes none of a picture's shape."""

# Benchmark, text, answer, answer type, finish reason (None where a file does not tell), choices.
Reply = tuple[str, str, str, str, str | None, dict[str, str]]


class Reading(NamedTuple):
    reader: str
    letter: str | None
    """None for open questions, and where no rule could read the reply."""
    rule: str
    resolved: bool
    hit: bool


def graded(replies: pl.DataFrame, reader: str, open_reader: str | None = None) -> pl.DataFrame:
    """Rows with benchmark, text, options, answer, answer_type, finish_reason, and what `Reading` says of it.

    The letter is column `extracted`. A reader of `extract` reads questions with options, one of
    `open_answers` those without; some names are both. What a reader is not for is unresolved, which is no
    hit; so is, by a rule of its own, what was never asked. `open_reader` is for questions without options
    where that is another one.
    """
    return _with_readings(replies, _readings(_replies(replies), reader, open_reader or reader))


def graded_by(replies: pl.DataFrame, readers: Sequence[str]) -> dict[str, pl.DataFrame]:
    """`graded` by each reader."""
    rows = _replies(replies)
    return {reader: _with_readings(replies, _readings(rows, reader, reader)) for reader in readers}


def graded_as_declared(replies: pl.DataFrame, reader: str | None = None) -> pl.DataFrame:
    """Rows of `graded` by the readers that each benchmark names, or by `reader`, benchmark by benchmark.

    Where `reader` knows nothing of open questions, they go by the benchmark's own reader for them.
    """
    parts = []
    for (name,), rows in replies.group_by(["benchmark"], maintain_order=True):
        declared = CATALOGUE.get(str(name))
        letters = reader or (declared.reader if declared else LETTERS_BY_DEFAULT)
        opens = (declared.open_reader if declared else None) or OPEN_BY_DEFAULT
        parts.append(graded(rows, letters, reader if reader in open_answers.READERS else opens))
    return pl.concat(parts)


def _replies(replies: pl.DataFrame) -> list[Reply]:
    told = replies.select(
        "benchmark", "text", "answer", "answer_type", pl.col("finish_reason").cast(pl.String)
    )
    columns = told.iter_rows()
    options = replies["options"].to_list()
    return [(*row, lettered(texts)) for row, texts in zip(columns, options, strict=True)]


def _readings(replies: Sequence[Reply], reader: str, open_reader: str) -> list[Reading]:
    found: list[Reading] = []
    benchmarks = {reply[0] for reply in replies} if reader in READERS else set()
    readers = {name: find_reader(reader, name) for name in benchmarks}
    for benchmark, text, answer, answer_type, finish_reason, choices in replies:
        if finish_reason == REFUSED:
            found.append(Reading(reader if choices else open_reader, None, PICTURE_REFUSED, False, False))
        elif choices and readers:
            read = readers[benchmark](text, choices)
            resolved, hit = read.letter is not None, read.letter == answer
            found.append(Reading(reader, read.letter, read.rule, resolved, hit))
        elif not choices and open_reader in open_answers.READERS:
            match = open_answers.match(
                text, answer, open_reader, benchmark=benchmark, answer_type=answer_type
            )
            found.append(Reading(open_reader, None, match.rule, match.hit is not None, bool(match.hit)))
        else:
            found.append(Reading(reader, None, "unresolved", False, False))
    return found


def _with_readings(replies: pl.DataFrame, found: Sequence[Reading]) -> pl.DataFrame:
    return replies.with_columns(
        pl.Series("reader", [reading.reader for reading in found], dtype=pl.String),
        pl.Series("extracted", [reading.letter for reading in found], dtype=pl.String),
        pl.Series("rule", [reading.rule for reading in found], dtype=pl.String),
        pl.Series("resolved", [reading.resolved for reading in found], dtype=pl.Boolean),
        pl.Series("hit", [reading.hit for reading in found], dtype=pl.Boolean),
    )
