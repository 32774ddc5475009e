"""Which votes and labels of a cell of self-play were right. Reads truths, as `vzero audit` does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from vzero.config import SelfPlay
from vzero.experiments.tables import IN_WINDOW, Audits
from vzero.paths import Paths
from vzero.selfplay.audit import audit
from vzero.selfplay.played import Played, played
from vzero.selfplay.truths import Truth, known_truths
from vzero.shards import frame_of
from vzero.tables import LABEL

COUNTED = ["iteration", "voter", "confidence", "n", "right"]


def cell_audits(settings: SelfPlay, workspace: Paths) -> list[dict[str, Any]]:
    """Rows of tables.Audits without arm and seed, of all iterations that have run."""
    iterations = played(settings, workspace)
    known = known_truths(iterations, settings.photographs.values())
    counts = [audit(one, known).select(COUNTED).to_dicts() for one in iterations]
    return [row for rows in counts for row in rows] + [*_in_windows(iterations, known)]


def _in_windows(iterations: Iterable[Played], known: dict[str, Truth]) -> Iterator[dict[str, Any]]:
    for one in iterations:
        inside = [known[name].in_window for name in one.questions["question_id"] if name in known]
        told = [held for held in inside if held is not None]
        if told:
            yield {
                "iteration": one.iteration,
                "voter": IN_WINDOW,
                "confidence": 1.0,
                "n": len(told),
                "right": sum(told),
            }


def label_rows(audits: pl.DataFrame) -> list[dict[str, Any]]:
    """One row an arm: how many labels, and questions about windows, were right, over its seeds.

    Keys arm, seeds, label and in_window: of each n, right, share, and low and high, the least and the most
    share of a seed; None where there are none. Questions of a run are not independent, so an interval over
    them would be too narrow.
    """
    shares = (
        audits.filter(pl.col("voter").is_in([LABEL, IN_WINDOW]))
        .group_by("arm", "voter", "seed")
        .agg(pl.col("n", "right").sum())
        .with_columns(share=pl.col("right") / pl.col("n"))
        .group_by("arm", "voter")
        .agg(
            pl.col("n", "right").sum(),
            share=pl.col("right").sum() / pl.col("n").sum(),
            low=pl.col("share").min(),
            high=pl.col("share").max(),
            seeds=pl.len(),
        )
    )
    rows: dict[str, dict[str, Any]] = {}
    for row in shares.sort("arm").iter_rows(named=True):
        nothing = {LABEL: None, IN_WINDOW: None}
        told = rows.setdefault(row["arm"], {"arm": row["arm"], "seeds": row["seeds"]} | nothing)
        told[row["voter"]] = {key: row[key] for key in ("n", "right", "share", "low", "high")}
    return list(rows.values())


def audit_table(rows: list[dict[str, Any]], arm: str, seed: int) -> pl.DataFrame:
    """Rows of `cell_audits` as tables.Audits."""
    return frame_of([row | {"arm": arm, "seed": seed} for row in rows], Audits)
