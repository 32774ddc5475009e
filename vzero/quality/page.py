"""The data page: everything a reader should see of the data before training on it, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from vzero.config import Ingest
from vzero.paths import Paths
from vzero.quality import figures, pictures
from vzero.quality.inputs import Inputs
from vzero.report import parts

HERE = Path(__file__).parent


def render(
    inputs: Inputs, quality: pl.DataFrame, near: pl.DataFrame, notes: list[str], ingest: Ingest, paths: Paths
) -> str:
    """The page as HTML. `quality` is of `measures.measure`, `notes` say what could not be counted."""
    sources = [
        _source(name, inputs, quality.filter(source=name), near, ingest, paths) for name in inputs.sources
    ]
    # What training data comes from first, then benchmarks with rejected items.
    sources.sort(key=lambda source: (not source["cards"], source["name"]))
    return (
        parts.environment(HERE)
        .get_template("data.html.jinja")
        .render(
            style=parts.style(),
            title=f"Data: {', '.join(source['name'] for source in sources if source['cards'])}",
            samples=inputs.samples.height,
            images=inputs.images.height,
            rejects=inputs.rejects.height,
            notes=notes,
            sources=sources,
            distance=ingest.overlap_distance,
        )
    )


def _source(
    name: str, inputs: Inputs, quality: pl.DataFrame, near: pl.DataFrame, ingest: Ingest, paths: Paths
) -> dict[str, Any]:
    return {
        "name": name,
        "sections": [
            section
            for heading, names in figures.SECTIONS.items()
            if (section := _section(heading, names, name, quality))["facts"] or section["charts"]
        ],
        "cards": pictures.sample_cards(inputs, name, paths),
        "pairs": pictures.nearest_pairs(near, name, paths),
        "rejects": pictures.reject_groups(inputs, name, ingest, paths),
    }


def _section(heading: str, names: list[str], source: str, quality: pl.DataFrame) -> dict[str, Any]:
    drawn = [
        figures.chart(quality, figure, f"{source}-{figure}".replace("_", "-"))
        for figure in names
        if figure not in figures.TABLES
    ]
    counted = set(quality["figure"])
    return {
        "heading": heading,
        "facts": [
            figures.facts(quality, figure)
            for figure in names
            if figure in figures.TABLES and figure in counted
        ],
        "charts": [figure for figure in drawn if figure is not None],
    }
