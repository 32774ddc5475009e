"""From questions and votes to what the Solver learns from: rows of `tables.SolverSet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from xxhash import xxh32_intdigest

from vzero.answers.questions import LETTERS, WrittenQuestion
from vzero.config import SelfPlay
from vzero.selfplay.writing import OK, written_of
from vzero.shards import frame_of
from vzero.signals.votes import Vote
from vzero.tables import SolverSet
from vzero.voting.fate import KEPT, Fate, fate
from vzero.voting.voters import Voter


def solver_set(questions: pl.DataFrame, votes: pl.DataFrame, settings: SelfPlay) -> pl.DataFrame:
    """A row a question that could be read, sorted by id."""
    by_question = _votes(votes)
    rows = []
    for row in questions.filter(status=OK).sort("question_id").iter_rows(named=True):
        written = written_of(row)
        found = fate(written, by_question[row["question_id"]], settings.keep)
        rows.append(_row(row, written, found, settings))
    return frame_of(rows, SolverSet)


def _votes(votes: pl.DataFrame) -> Mapping[str, Mapping[Voter, Vote]]:
    found: dict[str, dict[Voter, Vote]] = {}
    for row in votes.iter_rows(named=True):
        counts = [each["count"] for each in row["counts"]] + [0, 0]
        vote = Vote(row["majority"], counts[0], counts[1], row["unread"], len(row["letters"]))
        found.setdefault(row["question_id"], {})[row["voter"]] = vote
    return found


def _row(row: Mapping[str, Any], written: WrittenQuestion, found: Fate, settings: SelfPlay) -> dict[str, Any]:
    shown = _shuffled(written.options, row["question_id"], settings)
    label = _letter(found, written, shown, settings)
    reason = found.reason if label is not None or not found.kept else "unread"
    return {
        "question_id": row["question_id"],
        "image_id": row["image_id"],
        "question": written.stem,
        "options": shown,
        "label": label,
        "confidence": found.confidence,
        "weight": 1.0,
        "kept": reason == KEPT,
        "reason": reason,
    }


def _shuffled(options: Sequence[str], question_id: str, settings: SelfPlay) -> list[str]:
    """In an order of the question's own, so that labels have no favourite letter; as written as published."""
    if not settings.voting.permuted:
        return list(options)
    order = np.random.default_rng(xxh32_intdigest(question_id.encode())).permutation(len(options))
    return [options[int(place)] for place in order]


def _letter(found: Fate, written: WrittenQuestion, shown: Sequence[str], settings: SelfPlay) -> str | None:
    """The letter of the label; None where what stood in the boxes is none of the options."""
    if found.label is None:
        return None
    if settings.voting.words == "boxed":
        return found.label if found.label in LETTERS[: len(written.options)] else None
    return LETTERS[shown.index(found.label)]
