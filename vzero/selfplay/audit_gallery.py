"""Questions with their picture, votes and label, for the audit's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import xxhash

from vzero.answers.questions import LETTERS
from vzero.pages.lookup import rows_by_id
from vzero.pages.pictures import Picture, embed
from vzero.paths import Paths
from vzero.selfplay.audit import option_text
from vzero.selfplay.played import Played
from vzero.selfplay.truths import Truth
from vzero.tables import Photographs


@dataclass(frozen=True)
class Entry:
    """A written question and what became of it."""

    iteration: str
    image: Picture
    boxes: list[tuple[str, list[int]]]
    """Kind and corners of what is drawn on the image: the window, where there is one."""
    question: str
    options: list[str]
    votes: dict[str, dict[str, int]]
    """By voter, counts by option."""
    label: str | None
    """The option's text."""
    kept: bool
    reason: str
    known: bool
    truth: str | None
    """The right option's text; None where none is right, or where nothing is known."""


def gallery(
    played: Sequence[Played], truths: Mapping[str, Truth], paths: Paths, *, count: int, seed: int
) -> list[Entry]:
    """Up to `count` questions of every iteration, reasons in turn, drawn by a seeded hash."""
    found = []
    for one in played:
        chosen = _chosen(one.solver_set, count, seed)
        names = [row["image_id"] for row in chosen]
        images: dict[str, Any] = {}
        for place in sorted(paths.photographs.iterdir()):
            if place.is_dir():
                images |= rows_by_id(place, Photographs, "image_id", names)
        questions = {row["question_id"]: row for row in one.questions.iter_rows(named=True)}
        for row in chosen:
            question_id = row["question_id"]
            votes = one.votes.filter(question_id=question_id)
            found.append(
                _asked(
                    one, row, questions[question_id], votes, images[row["image_id"]], truths.get(question_id)
                )
            )
    return found


def _chosen(solver_set: pl.DataFrame, count: int, seed: int) -> list[dict[str, Any]]:
    order = [xxhash.xxh64_intdigest(f"{seed}/{name}".encode()) for name in solver_set["question_id"]]
    ranked = solver_set.with_columns(order=pl.Series(order, dtype=pl.UInt64)).sort("order")
    turns = ranked.with_columns(turn=pl.int_range(pl.len()).over("reason"))
    return (
        turns.sort("turn", "order")
        .head(count)
        .sort("kept", "reason", "order", descending=[True, False, False])
        .to_dicts()
    )


def _asked(
    one: Played,
    row: Mapping[str, Any],
    question: Mapping[str, Any],
    votes: pl.DataFrame,
    image: Mapping[str, Any],
    truth: Truth | None,
) -> Entry:
    label = row["label"]
    return Entry(
        iteration=one.iteration,
        image=embed(image["bytes"]),
        boxes=[] if question["window"] is None else [("evidence", question["window"])],
        question=question["question"],
        options=question["options"],
        votes={
            vote["voter"]: {
                str(option_text(each["text"], question["options"])): each["count"] for each in vote["counts"]
            }
            for vote in votes.iter_rows(named=True)
        },
        label=None if label is None else row["options"][LETTERS.index(label)],
        kept=row["kept"],
        reason=row["reason"],
        known=truth is not None,
        truth=None if truth is None else truth.answer,
    )
