"""The model card with figures: the same numbers as the headline table, of the weights that the card names."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from example_run import write_example

from vzero import tables
from vzero.errors import ProjectError
from vzero.shards import read
from vzero.stages import report

pytestmark = pytest.mark.usefixtures("charts_drawn_once")


def test_figures_stand_in_the_place_of_the_last_section_with_interval_and_what_they_are_of(tmp_path: Path):
    params, paths = write_example(tmp_path)
    report.run(params, paths)
    card = paths.model_card.read_text()
    assert card.startswith("The weights are called trained.\n\n## Figures\n95 % intervals of 200 bootstrap")
    assert "None yet." not in card
    row = read(paths.summary, tables.Summary).row(
        by_predicate=(pl.col("model") == "trained") & (pl.col("benchmark") == "search"), named=True
    )
    accuracy = f"{100 * row['accuracy']:.1f} % ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
    gain = f"{row['delta']:+.1f} ({row['delta_low']:+.1f} to {row['delta_high']:+.1f})"
    assert f"| trained student | needle-search | {row['n']} | {accuracy} | {gain} |" in card
    items = read(paths.predictions("trained", "search"), tables.Predictions).row(0, named=True)
    asked = f"`{items['version'][:16]}` | {items['wording']} | {items['reader']}"
    assert f"| needle-search | {asked} | {row['n']} |" in card


def test_figures_of_other_weights_are_refused(tmp_path: Path):
    params, paths = write_example(tmp_path)
    paths.trained_card.write_text("The weights are called something else.\n\n## Figures\nNone yet.\n")
    with pytest.raises(ProjectError, match="of other weights; evaluate them again"):
        report.run(params, paths)
