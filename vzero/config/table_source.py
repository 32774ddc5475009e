"""Parameters of users' own rows with questions: tables, whatever their columns are called, and chats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from vzero.config.base import Positive, Section

FourColumns = Annotated[list[str], Field(min_length=4, max_length=4)]
"""Of which each holds a number of a box."""


class TableColumns(Section):
    """Which column of the user's table holds what. `None`: the table has no such column."""

    image: str = "image"
    """Path relative to the image folder, or encoded image bytes."""
    more_images: str | None = None
    """A list of the pictures after that one, each as in the image column; boxes are of the first."""
    question: str = "question"
    box: str | FourColumns | None = "box"
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


class Resized(Section):
    """What a model's image processor makes of a picture: sides in multiples, and bounds on the pixels."""

    multiple: Positive = 28
    min_pixels: Positive = 3_136
    max_pixels: Positive = 12_845_056


class ChatsSource(Section):
    """Conversations with boxes in the text: JSONL or JSON, ShareGPT's or OpenAI's shape."""

    rows: Path = Path("data/raw/chats/rows.jsonl")
    images: Path = Path("data/raw/chats/images")
    box_unit: Literal["pixel", "fraction", "thousandth", "resized"] = "pixel"
    """Pixels of the image, 0-1 or 0-1000 of its sides, or pixels of the image as a model resizes it."""
    resized: Resized = Resized()
    """How, where they are; the defaults are Qwen2.5-VL's."""
    licence: str = "unknown"
