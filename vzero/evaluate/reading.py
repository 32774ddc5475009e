"""Replies read under a policy, and held against the answers of their items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from vzero.answers import open_answers
from vzero.answers.extract import POLICIES, reader
from vzero.answers.extraction import lettered
from vzero.benchmarks.catalogue import CATALOGUE
from vzero.tables import REFUSED

LETTERS_BY_DEFAULT, OPEN_BY_DEFAULT = "vlmevalkit-exact", "vzero"

PICTURE_REFUSED = "picture_refused"
"""The rule of items that were not asked: the model's processor takes none of a picture's shape."""

# Benchmark, text, answer, answer type, finish reason (None where a file does not tell), choices.
Reply = tuple[str, str, str, str, str | None, dict[str, str]]


class Reading(NamedTuple):
    policy: str
    letter: str | None
    """None for open questions, and where no rule could read the reply."""
    rule: str
    resolved: bool
    hit: bool


def graded(replies: pl.DataFrame, policy: str, open_policy: str | None = None) -> pl.DataFrame:
    """Rows with benchmark, text, options, answer, answer_type, finish_reason, and what `Reading` says of it.

    The letter is column `extracted`. A policy of `extract` reads questions with options, one of
    `open_answers` those without; some names are both. What a policy is not for is unresolved, which is no
    hit; so is, by a rule of its own, what was never asked. `open_policy` is for questions without options
    where that is another one.
    """
    return _with_readings(replies, _readings(_replies(replies), policy, open_policy or policy))


def graded_by(replies: pl.DataFrame, policies: Sequence[str]) -> dict[str, pl.DataFrame]:
    """`graded` under each policy."""
    rows = _replies(replies)
    return {policy: _with_readings(replies, _readings(rows, policy, policy)) for policy in policies}


def graded_as_declared(replies: pl.DataFrame, policy: str | None = None) -> pl.DataFrame:
    """Rows of `graded` by the policies that each benchmark names, or by `policy`, benchmark by benchmark.

    Where `policy` knows nothing of open questions, they go by the benchmark's own policy for them.
    """
    parts = []
    for (name,), rows in replies.group_by(["benchmark"], maintain_order=True):
        declared = CATALOGUE.get(str(name))
        letters = policy or (declared.scorer if declared else LETTERS_BY_DEFAULT)
        opens = (declared.open_scorer if declared else None) or OPEN_BY_DEFAULT
        parts.append(graded(rows, letters, policy if policy in open_answers.POLICIES else opens))
    return pl.concat(parts)


def _replies(replies: pl.DataFrame) -> list[Reply]:
    told = replies.select(
        "benchmark", "text", "answer", "answer_type", pl.col("finish_reason").cast(pl.String)
    )
    columns = told.iter_rows()
    options = replies["options"].to_list()
    return [(*row, lettered(texts)) for row, texts in zip(columns, options, strict=True)]


def _readings(replies: Sequence[Reply], policy: str, open_policy: str) -> list[Reading]:
    found: list[Reading] = []
    benchmarks = {reply[0] for reply in replies} if policy in POLICIES else set()
    readers = {name: reader(policy, name) for name in benchmarks}
    for benchmark, text, answer, answer_type, finish_reason, choices in replies:
        if finish_reason == REFUSED:
            found.append(Reading(policy if choices else open_policy, None, PICTURE_REFUSED, False, False))
        elif choices and readers:
            read = readers[benchmark](text, choices)
            resolved, hit = read.letter is not None, read.letter == answer
            found.append(Reading(policy, read.letter, read.rule, resolved, hit))
        elif not choices and open_policy in open_answers.POLICIES:
            match = open_answers.match(
                text, answer, open_policy, benchmark=benchmark, answer_type=answer_type
            )
            found.append(Reading(open_policy, None, match.rule, match.hit is not None, bool(match.hit)))
        else:
            found.append(Reading(policy, None, "unresolved", False, False))
    return found


def _with_readings(replies: pl.DataFrame, found: Sequence[Reading]) -> pl.DataFrame:
    return replies.with_columns(
        pl.Series("policy", [reading.policy for reading in found], dtype=pl.String),
        pl.Series("extracted", [reading.letter for reading in found], dtype=pl.String),
        pl.Series("rule", [reading.rule for reading in found], dtype=pl.String),
        pl.Series("resolved", [reading.resolved for reading in found], dtype=pl.Boolean),
        pl.Series("hit", [reading.hit for reading in found], dtype=pl.Boolean),
    )
