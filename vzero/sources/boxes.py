"""A table with a row a box, in no order: TensorFlow's Object Detection API, Open Images and others.

Boxes: four columns, xyxy or xywh, pixels or 0-1 of the sides, as declared. Known, from descriptions and not
from files (unverified), of TensorFlow's tutorials (`filename,width,height,class,xmin,ymin,xmax,ymax`, pixels)
and of storage.googleapis.com/openimages (`ImageID,...,LabelName,...,XMin,XMax,YMin,YMax,...,IsGroupOf`, 0-1;
names of images without an extension, classes as codes that a second file names).
Licence: as the params say; Open Images' annotations are CC BY 4.0, its pictures CC BY 2.0.
"""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from vzero import geometry
from vzero.config import BoxesSource
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, in_batches, numbered
from vzero.sources.categories import Categories, categories_of
from vzero.sources.extents import extent_of
from vzero.sources.gathered import Gathered
from vzero.sources.pictures import Pictures
from vzero.sources.region_questions import annotations_of
from vzero.sources.regions import AnnotatedImage, Region, regions_of, without_picture
from vzero.sources.repairs import Repair
from vzero.untrusted.boxes import numbers_of_cells, parse_boxes
from vzero.untrusted.cells import parse_id, printable, require_text
from vzero.untrusted.files import open_images
from vzero.untrusted.rejects import Reject, RejectCode, Rejected
from vzero.untrusted.rows import Row, read_rows
from vzero.untrusted.tar_shards import Progress

YES = ("1", "1.0", "true", "yes")


def open_boxes(config: BoxesSource, paths: Paths, advance: Progress = lambda done, total: None) -> Source:
    path, columns = paths.resolve(config.rows), config.columns
    images = open_images(paths.resolve(config.images), paths.scratch, advance)
    named = [columns.image, columns.category, *columns.box, columns.width, columns.height, columns.crowd]
    rows = read_rows(path, [column for column in named if column is not None])
    inputs = [path]
    names: dict[str, str] = {}
    if config.category_names is not None:
        inputs.append(paths.resolve(config.category_names))
        names = _names(inputs[1])
    found = _found(rows, names, Pictures(images), config)
    return Source("boxes", in_batches(numbered(found)), images=images, inputs=tuple(inputs))


def _names(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row[0]: row[1] for row in csv.reader(file) if len(row) == 2}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path}: not a readable CSV file: {error}") from error


def _found(
    rows: Iterator[Row], names: dict[str, str], pictures: Pictures, config: BoxesSource
) -> Iterator[Annotation | Reject]:
    """Rejects of rows, then questions and rejects of one image after the other; rows not yet numbered."""
    annotated: dict[str, None] = {}
    with contextlib.closing(Gathered()) as gathered:
        for row in rows:
            try:
                image, cell = _cell(row, names, config)
            except Rejected as rejected:
                yield Reject(0, rejected.code, rejected.detail)
                continue
            annotated[cell["category"]] = None
            gathered.add(image, cell)
        categories = categories_of(annotated)
        for image, cells in gathered.groups():
            try:
                yield from _of_image(image, cells, categories, pictures, config)
            except Rejected as rejected:
                yield without_picture(rejected, (cell["category"] for cell in cells), image)


def _cell(row: Row, names: dict[str, str], config: BoxesSource) -> tuple[str, dict[str, Any]]:
    """The image that a row is about, and what is kept of it."""
    if isinstance(row, str):
        raise Rejected(RejectCode.MALFORMED_ROW, row)
    columns = config.columns
    image = require_text(row.get(columns.image), RejectCode.MISSING_IMAGE, "image")
    try:
        code = parse_id(row.get(columns.category))
    except Rejected as rejected:
        raise Rejected(RejectCode.MALFORMED_ROW, f"no class: {rejected.detail}") from rejected
    sizes = [row.get(column) for column in (columns.width, columns.height) if column is not None]
    box = numbers_of_cells([row.get(column) for column in columns.box])
    return image, {
        "category": names.get(code, code),
        # What JSON does not hold is no number either.
        "box": box and [value if isinstance(value, (int, float)) else printable(f"{value}") for value in box],
        "size": numbers_of_cells(sizes) if len(sizes) == 2 else None,
        "crowd": columns.crowd is not None and str(row.get(columns.crowd)).lower() in YES,
    }


def _of_image(
    image: str, cells: list[dict[str, Any]], categories: Categories, pictures: Pictures, config: BoxesSource
) -> Iterator[Annotation | Reject]:
    name, searched = pictures.of_name(image)
    declared = BoxFormat(config.box_order, config.box_unit)
    told = next((cell["size"] for cell in cells if cell["size"]), None)
    if told is None or declared.unit == "fraction":
        extent = extent_of(name, pictures.images)
    else:
        extent = _side(told[0]), _side(told[1])
    regions, rejects = regions_of(
        cells,
        name=lambda cell: cell["category"],
        read=lambda cell: _region(cell, declared, extent),
        reject=lambda _, rejected: Reject(0, rejected.code, rejected.detail, image=image),
    )
    yield from rejects
    sides = (_side(told[0]), _side(told[1])) if told else extent
    annotated = AnnotatedImage(name, sides, config.licence, regions, declared)
    repairs = (Repair.IMAGE_NAME,) if searched else ()
    for item in annotations_of(annotated, categories, config):
        yield item if isinstance(item, Reject) else replace(item, repairs=repairs)


def _region(cell: dict[str, Any], declared: BoxFormat, extent: tuple[Any, Any]) -> Region:
    if cell["crowd"]:
        raise Rejected(RejectCode.CROWD_REGION, f"a crowd of {cell['category']}")
    [numbers] = parse_boxes(cell["box"])
    return Region(cell["category"], geometry.to_pixels(numbers, declared, *extent), written=numbers)


def _side(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
