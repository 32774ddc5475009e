"""The trained model's card with its figures: what lies with the weights, and what they scored since."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from vzero.errors import ProjectError
from vzero.likeness.overlaps import overlap_counts
from vzero.pages.cards import fill
from vzero.report.inputs import Inputs
from vzero.report.names import LABELS, MODEL_NAMES

HEADING = "## Figures\n"
TEMPLATE = Path(__file__).with_name("figures.md.jinja")


def with_figures(card: str, headlines: pl.DataFrame, inputs: Inputs) -> str:
    """The card of the trained folder with `headlines` (tables.Summary) in the place of its last section.

    Raises ProjectError when other weights were evaluated than those that the card names.
    """
    trained = inputs.predictions.filter(pl.col("model") == "trained")
    for benchmark, measured in (
        trained.select("benchmark", "model_hash").unique().sort("benchmark").iter_rows()
    ):
        if measured not in card:
            raise ProjectError(f"data/evaluate/trained-{benchmark}: of other weights; evaluate them again")
    figures = fill(
        TEMPLATE,
        rows=headlines.to_dicts(),
        benchmarks=_measured_on(inputs),
        models=MODEL_NAMES,
        labels=LABELS,
        evaluate=inputs.params.evaluate,
    )
    return card.partition(HEADING)[0] + HEADING + figures


def _measured_on(inputs: Inputs) -> list[dict[str, object]]:
    """One row a benchmark: its version, how it was asked and read, and what of it training may have seen."""
    keys = ["version", "wording", "reader"]
    asked = inputs.predictions.group_by("benchmark").agg(
        pl.col(key).unique().sort().str.join(", ") for key in keys
    )
    seen = overlap_counts(inputs.overlaps, inputs.items)
    return asked.join(seen, on="benchmark", how="left").sort("benchmark").to_dicts()
