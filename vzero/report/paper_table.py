"""Our numbers in the layout of the paper's main table, beside those that others published.

Only the six benchmarks themselves count: no drawn benchmark, and no selection such as MME-RealWorld-Lite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from vzero.benchmarks.catalogue import CATALOGUE
from vzero.evaluate.views import headline
from vzero.report.answers import whole_scores

COLUMNS = {
    "vstar": "V*",
    "hrbench_4k": "HR-4K",
    "hrbench_8k": "HR-8K",
    "zoombench": "ZoomBench",
    "mme_realworld": "MME-RW",
    "mmstar": "MMStar",
}
"""Benchmark by the heading of its column, in the order of the paper."""
PUBLISHED = Path(__file__).with_name("published_results.csv")
Average = float | None


@dataclass(frozen=True)
class PublishedRow:
    """`cells` are per cent by benchmark; None where nothing was published."""

    model: str
    source: str
    protocol: str
    cells: dict[str, float | None]

    @property
    def average(self) -> Average:
        return average(self.cells)


@dataclass(frozen=True)
class OwnRow:
    """`cells` are rows of tables.Scores, None where not evaluated, with `published_size` and `whole`.

    `whole`: every published item was asked.
    """

    model: str
    cells: dict[str, dict[str, Any] | None]

    @property
    def average(self) -> Average:
        """Per cent, as in the published rows."""
        return average({name: 100 * cell["accuracy"] if cell else None for name, cell in self.cells.items()})


def average(cells: Mapping[str, float | None]) -> Average:
    """Mean over the columns; None unless all six are there."""
    values = [value for name in COLUMNS if (value := cells.get(name)) is not None]
    return sum(values) / len(values) if len(values) == len(COLUMNS) else None


def published_rows() -> list[PublishedRow]:
    """All rows of the data file, in its order."""
    return [
        PublishedRow(
            model=row["model"],
            source=row["source"],
            protocol=row["protocol"],
            cells={name: row[name] for name in COLUMNS},
        )
        for row in pl.read_csv(PUBLISHED).iter_rows(named=True)
    ]


def own_rows(scores: pl.DataFrame, models: Sequence[str]) -> list[OwnRow]:
    """One row for each evaluated model, whatever of the six benchmarks it was asked."""
    found = {
        (row["model"], row["benchmark"]): row | _completeness(row)
        for row in headline(whole_scores(scores)).iter_rows(named=True)
        if row["benchmark"] in COLUMNS
    }
    return [OwnRow(model, {name: found.get((model, name)) for name in COLUMNS}) for model in models]


def _completeness(score: dict[str, Any]) -> dict[str, Any]:
    size = CATALOGUE[score["benchmark"]].published_size
    return {"published_size": size, "whole": score["n"] == size}


def asked(predictions: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Wording and reader by benchmark; several are joined by +. They are the same for all models of a run."""
    named = (
        predictions.filter(pl.col("benchmark").is_in(list(COLUMNS)))
        .group_by("benchmark")
        .agg(pl.col("wording", "reader").unique().sort())
    )
    return {
        benchmark: (" + ".join(wordings), " + ".join(readers))
        for benchmark, wordings, readers in named.iter_rows()
    }
