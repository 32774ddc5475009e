"""What a source yields: rows as they were found, not yet checked, and how to read them in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, Literal

from vzero.config import SourceName
from vzero.geometry import BoxFormat
from vzero.sources.repairs import Repair
from vzero.untrusted.cleaning import Cleaning
from vzero.untrusted.files import Images
from vzero.untrusted.rejects import Reject, RejectCode
from vzero.untrusted.rows import Row

PIXEL_CORNERS = BoxFormat("xyxy", "pixel")
BATCH = 32  # rows; few, so that all workers end at about the same time


@dataclass(frozen=True)
class ReadyCrops:
    """What a source without boxes has instead: the evidence already cut. Its pixels tell where it is from."""

    cell: Any  # a list of pictures, each as in an image cell
    scale: int  # crop pixels per image pixel


@dataclass(frozen=True)
class NoBox:
    """What a row has instead of boxes where its reader knows that there are none."""

    why: str


@dataclass(frozen=True)
class Annotation:
    """One row. Cells marked `Any` hold whatever the source held; `ingest.check` decides what they are."""

    row: int
    image: Any  # path relative to the image folder, encoded bytes, or a cell that holds one of them
    question: Any
    boxes: Any  # or `ReadyCrops`, or `NoBox`
    box_format: BoxFormat = PIXEL_CORNERS
    restated_box: tuple[Any, BoxFormat] | None = None
    """The union of the boxes as the row says it a second time, in another convention: both must agree."""
    exif: Literal["stored", "shown"] | None = None
    """What the boxes are drawn on, where the source itself says so; else it is as `ingest.exif` says."""
    refuse_drawn_boxes: bool = False
    """Whether the source is known to hold images with the boxes drawn in, which would tell the student."""
    more_images: Any = None
    """A list of the pictures after `image`, each as there; boxes are of `image` alone."""
    options: Any = None
    answer: Any = None
    tells_direction: bool = False
    """Whether the answer is left, right, higher or lower as the boxes are drawn."""
    sample_id: Any = None
    needs_id: bool = False
    """Whether the source has ids of its own; without one, an id is made from the content."""
    annotated_size: tuple[Any, Any] | None = None
    """Width and height that the boxes were drawn on, when the source tells."""
    category: str = ""
    licence: str = ""
    split: Literal["train", "dev"] | None = None
    repairs: tuple[Repair, ...] = ()
    """What the reader put right."""
    cleanings: tuple[Cleaning, ...] = ()
    """What the reader took off the question."""
    objects: tuple[tuple[str, str], ...] = ()
    """Category and fate (`tables.Objects`) of every object of the picture, in the first row about it."""


@dataclass(frozen=True)
class Batch:
    """Some consecutive rows, loaded by the worker that checks them."""

    rows: int
    load: Callable[[], Iterable[Annotation | Reject]]


@dataclass(frozen=True)
class Source:
    """An opened source: its rows can be gone through once."""

    name: SourceName
    batches: Iterable[Batch]
    images: Images | None = None
    """Folder or tar files that image paths are relative to, and must not leave."""
    inputs: tuple[Path, ...] = ()
    """Files that hold the rows."""
    total: int | None = None
    """Rows, when known beforehand."""
    notices: tuple[str, ...] = ()
    """What the user has to know before trusting the rows."""


def in_batches(annotations: Iterable[Annotation | Reject], rows: int = BATCH) -> Iterator[Batch]:
    """Rows that are read here and checked elsewhere, so many at a time."""
    annotations = iter(annotations)
    while batch := tuple(islice(annotations, rows)):
        yield Batch(len(batch), partial(tuple, batch))


def numbered(found: Iterable[Annotation | Reject]) -> Iterator[Annotation | Reject]:
    """Rows of a reader that makes several of what it reads, counted from 0."""
    for number, item in enumerate(found):
        yield replace(item, row=number)


def annotate_rows(
    rows: Iterator[Row],
    annotate: Callable[[int, dict[str, Any]], Annotation | Reject],
    numbers: Iterator[int] | None = None,
) -> Iterator[Annotation | Reject]:
    """What `annotate` makes of each row, given its number; of a row that cannot be read, a reject.

    `numbers` lets the rows of several files be counted on; without it they count from 0.
    """
    numbers = count() if numbers is None else numbers
    for row in rows:
        number = next(numbers)
        if isinstance(row, str):
            yield Reject(number, RejectCode.MALFORMED_ROW, row)
        else:
            yield annotate(number, row)
