"""Parameters of the source `table`: a user's own rows, whatever their columns are called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from vzero.config.base import Section


class TableColumns(Section):
    """Which column of the user's table holds what. `None`: the table has no such column."""

    image: str = "image"
    """Path relative to the image folder, or encoded image bytes."""
    more_images: str | None = None
    """A list of the pictures after that one, each as in the image column; boxes are of the first."""
    question: str = "question"
    box: str | Annotated[list[str], Field(min_length=4, max_length=4)] | None = "box"
    """One box or a list of boxes, as numbers, JSON text or a Python literal; or four columns, one a number.
    `None` needs `ingest.missing_box: keep`."""
    sample_id: str | None = None
    """Without one, ids are made from the row's content."""
    options: str | None = None
    answer: str | None = None
    licence: str | None = None


class TableSource(Section):
    """Any JSONL, CSV or Parquet table with a declared box convention. Nothing is guessed per row."""

    rows: Path = Path("data/raw/table/rows.jsonl")
    images: Path | None = Path("data/raw/table/images")
    """Folder of the images; `None` when the image column holds bytes."""
    columns: TableColumns = TableColumns()
    box_order: Literal["xyxy", "xywh"] = "xyxy"
    box_unit: Literal["pixel", "fraction", "thousandth"] = "pixel"
    """Pixels of the image, 0-1 of its sides, or 0-1000 of its sides."""
    licence: str = "unknown"
