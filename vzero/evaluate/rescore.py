"""Stored replies by any reader: hits, and accuracies with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from vzero.answers import open_answers
from vzero.answers.extract import READERS
from vzero.answers.extraction import lettered
from vzero.benchmarks.catalogue import UNNAMED
from vzero.errors import ConfigError
from vzero.evaluate.judge import Judge, judged_letter, judged_same, letter_prompt, same_prompt
from vzero.evaluate.reading import PICTURE_REFUSED
from vzero.evaluate.statistics import POINTS, Estimate, accuracy_interval

# These read any benchmark; `lmms-eval` stands for its extractors, of which it picks the benchmark's.
GENERAL = ("vlmevalkit-exact", "lmms-eval", "zoombench", "vzero")
SPECIAL = {"mme_realworld": ("mme-realworld",), "mmstar": ("mmstar-official",)}


def fitting_readers(benchmark: str) -> tuple[str, ...]:
    """Readers that are meant for `benchmark`; every one where it has no name."""
    if benchmark == UNNAMED:
        return tuple(READERS)
    special = [names for start, names in SPECIAL.items() if benchmark.startswith(start)]
    return (*GENERAL, *(name for names in special for name in names))


def check_readers(names: Sequence[str]) -> None:
    """Raises ConfigError for a reader that there is not."""
    known = dict.fromkeys([*READERS, *open_answers.READERS])
    for name in names:
        if name not in known:
            raise ConfigError(f"unknown reader {name!r}: allowed: {', '.join(known)}")


def judged(read: pl.DataFrame, judge: Judge) -> pl.DataFrame:
    """Rows of `reading.graded` in which the judge has read what was unresolved; `judged` says which.

    What was never asked has no reply to read.
    """
    unread = ~pl.col("resolved") & (pl.col("rule") != PICTURE_REFUSED)
    judge.ask(_prompt(row) for row in read.filter(unread).iter_rows(named=True))
    verdicts = [
        _judgement(row, judge) if row["unread"] else (row["extracted"], row["hit"], row["resolved"])
        for row in read.with_columns(unread=unread).iter_rows(named=True)
    ]
    return read.with_columns(
        pl.Series("extracted", [letter for letter, _, _ in verdicts], dtype=pl.String),
        pl.Series("hit", [hit for _, hit, _ in verdicts], dtype=pl.Boolean),
        pl.Series("resolved", [resolved for _, _, resolved in verdicts], dtype=pl.Boolean),
        judged=pl.Series([resolved for _, _, resolved in verdicts]) & ~read["resolved"],
    )


def _prompt(row: Mapping[str, Any]) -> str:
    choices = lettered(row["options"])
    if choices:
        return letter_prompt(row["question"], choices, row["text"])
    return same_prompt(row["question"], row["answer"], row["text"])


def _judgement(row: Mapping[str, Any], judge: Judge) -> tuple[str | None, bool, bool]:
    """Letter, hit, and whether the judge could tell."""
    choices = lettered(row["options"])
    if choices:
        letter = judged_letter(judge, row["question"], choices, row["text"]).letter
        return letter, letter == row["answer"], letter is not None
    found = judged_same(judge, row["question"], row["answer"], row["text"])
    return None, bool(found.hit), found.hit is not None


def scores_by_reader(
    read: Mapping[str, pl.DataFrame], *, resamples: int, confidence: float, seed: int
) -> pl.DataFrame:
    """One row a reader of `read`, whose rows are those of one benchmark and view by `graded` or `judged`.

    Columns benchmark, view, reader, n (items), accuracy, low, high, unresolved; shares as fractions. Accuracy
    is the plain mean over replies. With a judge also `judged`, the number of replies it has read.
    """
    table = []
    # Readers often agree on every reply.
    known: dict[bytes, Estimate] = {}
    for reader, rows in read.items():
        hits = rows["hit"].to_numpy()
        if (key := hits.tobytes()) not in known:
            groups = rows["group"].rank("dense").to_numpy()
            known[key] = accuracy_interval(
                hits, groups, resamples=resamples, confidence=confidence, seed=seed
            )
        accuracy = known[key]
        judged = {"judged": int(rows["judged"].sum())} if "judged" in rows.columns else {}
        table.append(
            {
                "benchmark": rows["benchmark"][0],
                "view": rows["view"][0],
                "reader": reader,
                "n": rows["item"].n_unique(),
                "accuracy": accuracy.value,
                "low": accuracy.low,
                "high": accuracy.high,
                "unresolved": 1 - float(rows["resolved"].to_numpy().mean()),
                **judged,
            }
        )
    return pl.DataFrame(table)


def spread(scores: pl.DataFrame) -> float:
    """Points between the most and the least that a reader gives the same replies."""
    accuracy = scores["accuracy"].to_numpy()
    return POINTS * float(accuracy.max() - accuracy.min())
