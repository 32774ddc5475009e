"""Stage `quality`: figures of the data as a table, and the data page. Nothing else depends on it."""

from __future__ import annotations

from typing import Any

from vzero import shards, tables
from vzero.config import Params
from vzero.likeness.nearest import near_duplicates
from vzero.paths import Paths
from vzero.quality import page
from vzero.quality.inputs import read_inputs
from vzero.quality.measures import measure
from vzero.quality.tokens import prompt_lengths


def run(params: Params, paths: Paths) -> dict[str, Any]:
    """Count what `ingest` and `crops` left and write `data/quality`; the result says where."""
    inputs = read_inputs(paths)
    distance = params.ingest.overlap_distance
    near = near_duplicates(inputs.images, distance)
    lengths, notes = prompt_lengths(inputs, params.models, paths.resolve)
    quality = measure(inputs, near, lengths, distance)
    html = page.render(inputs, quality, near, notes, params.ingest, paths)
    with shards.atomic_folder(paths.quality_report) as folder:
        shards.write_table(folder / paths.quality.name, quality, tables.Quality)
        (folder / paths.quality_page.name).write_text(html, encoding="utf-8")
    return {
        "page": paths.quality_page.as_posix(),
        "samples": inputs.samples.height,
        "rejects": inputs.rejects.height,
        "near_duplicates": near.height,
    }
