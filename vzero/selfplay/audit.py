"""How often votes and labels are right, by how many votes agreed. Reads truths: no stage imports this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from vzero.answers.questions import LETTERS
from vzero.evaluate.statistics import wilson_interval
from vzero.selfplay.played import Played
from vzero.selfplay.truths import Truth
from vzero.shards import frame_of
from vzero.tables import LABEL, Audit

CONFIDENCE = 0.95


def audit(played: Played, truths: Mapping[str, Truth]) -> pl.DataFrame:
    """Rows of `tables.Audit` of an iteration, over its questions whose truth is known."""
    said = [row for row in (*_votes(played), *_labels(played)) if row["question_id"] in truths]
    counted = pl.DataFrame(
        [
            {
                "voter": row["voter"],
                "confidence": row["confidence"],
                "right": row["answer"] is not None and row["answer"] == truths[row["question_id"]].answer,
            }
            for row in said
        ],
        schema={"voter": pl.String, "confidence": pl.Float64, "right": pl.Boolean},
    )
    table = counted.group_by("voter", "confidence").agg(n=pl.len(), right=pl.col("right").sum())
    rows = [
        row | {"iteration": played.iteration} | share(row["right"], row["n"])
        for row in table.sort("voter", "confidence").iter_rows(named=True)
    ]
    return frame_of(rows, Audit)


def share(right: int, n: int) -> dict[str, float]:
    """With Wilson's interval."""
    found = wilson_interval(right, n, confidence=CONFIDENCE)
    return {"share": found.value, "low": found.low, "high": found.high}


def _votes(played: Played) -> Iterator[dict[str, Any]]:
    options = dict(played.questions.select("question_id", "options").iter_rows())
    for row in played.votes.iter_rows(named=True):
        said = option_text(row["majority"], options[row["question_id"]])
        yield _said(row["question_id"], row["voter"], row["confidence"], said)


def option_text(said: str | None, options: Sequence[str]) -> str | None:
    """The option that was voted for; where letters in boxes were counted, that of the letter."""
    return options[LETTERS.index(said)] if said in tuple(LETTERS) and said not in options else said


def _labels(played: Played) -> Iterator[dict[str, Any]]:
    for row in played.solver_set.filter("kept").iter_rows(named=True):
        text = row["options"][LETTERS.index(row["label"])]
        yield _said(row["question_id"], LABEL, row["confidence"], text)


def _said(question_id: str, voter: str, confidence: float, answer: str | None) -> dict[str, Any]:
    return {
        "question_id": question_id,
        "voter": voter,
        "confidence": round(confidence, 6),
        "answer": answer,
    }
