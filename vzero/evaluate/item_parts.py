"""The items of a benchmark as questions, a shard at a time, so that memory holds one shard's pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import polars as pl

from vzero import shards
from vzero.errors import ProjectError
from vzero.evaluate.asked import Part, asked_of
from vzero.evaluate.views import questions
from vzero.tables import BenchmarkItems

ENCODED = ("image", "more_images", "crop_image")
FILE = "file"
FACTS = [name for name in BenchmarkItems.column_names() if name not in ENCODED]


def read_questions(
    folder: Path, model: str, wording: str, seeds: Sequence[int]
) -> tuple[pl.DataFrame, list[Part]]:
    """All rows of `views.questions` (columns of BenchmarkItems but for the pictures), and what is asked.

    `folder` holds one benchmark's items. Raises ProjectError when there are none.
    """
    files = shards.files(folder)
    if not files:
        raise ProjectError(f"{folder}: no items of this benchmark there; run ingest")
    items = pl.scan_parquet(files, include_file_paths=FILE).select(*FACTS, FILE).collect()
    rows = questions(items, model)
    parts = []
    for (file,), part in rows.group_by([FILE], maintain_order=True):
        asked = [once for row in part.iter_rows(named=True) for once in asked_of(row, wording, seeds)]
        parts.append(Part(tuple(asked), partial(_images, Path(str(file)))))
    return rows.drop(FILE), parts


def _images(file: Path) -> dict[str, bytes]:
    """Encoded pictures of a shard by their hash; one that several items show is held once."""
    rows = pl.scan_parquet(file).select(*ENCODED, "pictures")
    found: dict[str, bytes] = {}
    for image, more, crop, pictures in rows.collect().iter_rows():
        encoded = [image, *more] + ([crop] if crop is not None else [])
        for facts, data in zip(pictures, encoded, strict=True):
            found.setdefault(facts["sha256"], data)
    return found
