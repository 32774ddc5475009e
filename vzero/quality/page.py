"""The data page: everything a reader should see of the data before training on it, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from vzero.config import Ingest
from vzero.ingest.subsets import Subset
from vzero.pages import parts
from vzero.paths import Paths
from vzero.quality import figures, pictures
from vzero.quality.inputs import Inputs

HERE = Path(__file__).parent


def render(
    inputs: Inputs, quality: pl.DataFrame, near: pl.DataFrame, notes: list[str], ingest: Ingest, paths: Paths
) -> str:
    """The page as HTML. `quality` is of `measures.measure`, `notes` say what could not be counted."""
    sampled = sorted(inputs.samples["source"].unique())
    # What training data comes from first, then benchmarks with rejected items.
    names = [*sampled, *(name for name in inputs.sources if name not in sampled)]
    sections = [_section(heading, names, quality) for heading, names in figures.SECTIONS.items()]
    rejected = inputs.funnel["left_out"].sum()  # the table of rejects has items of benchmarks too
    return (
        parts.environment(HERE)
        .get_template("data.html.jinja")
        .render(
            style=parts.style(),
            title=f"Data: {', '.join(sampled)}",
            samples=inputs.samples.height,
            images=inputs.images.height,
            without_box=inputs.samples["evidence_box"].null_count(),
            rejects=rejected,
            unusable_items=inputs.rejects.height - rejected,
            per_cent=figures.per_cent,
            notes=notes,
            funnel=inputs.funnel.to_dicts(),
            sections=[section for section in sections if section["tables"] or section["charts"]],
            sources=[_source(name, inputs, near, ingest, paths) for name in names],
            distance=ingest.overlap_distance,
        )
    )


def _section(heading: str, names: list[str], quality: pl.DataFrame) -> dict[str, Any]:
    listed = [figures.level_table(quality, name) for name in names if name in figures.TABLES]
    drawn = [figures.chart(quality, name) for name in names if name not in figures.TABLES]
    return {
        "heading": heading,
        "tables": [table for table in listed if table is not None],
        "charts": [figure for figure in drawn if figure is not None],
    }


def _source(name: str, inputs: Inputs, near: pl.DataFrame, ingest: Ingest, paths: Paths) -> dict[str, Any]:
    return {
        "name": name,
        "verdicts": _verdicts(inputs.conventions.get(name, {})),
        "cards": pictures.sample_cards(inputs, name, paths),
        "suspects": pictures.suspects(inputs, name, paths),
        "pairs": pictures.nearest_pairs(near, name, paths),
        "rejects": pictures.reject_groups(inputs, name, ingest, paths),
    }


def _verdicts(conventions: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each declared convention of a source, and one for each subset of its boxes."""
    rows = []
    for convention, whole in conventions.items():
        rows.append({"boxes_of": f"all, declared as {convention}"} | whole)
        for kind, subsets in whole["subsets"].items():
            rows += [{"boxes_of": str(Subset(kind, name))} | judged for name, judged in subsets.items()]
    return rows
