"""Object detection rows as the Hugging Face hub has them: an image and `objects: {bbox, category}`.

Boxes: one `bbox` an object, as declared: xywh pixels in most sets, which follow COCO. Known from the
documentation of `datasets` and of transformers' object detection task, and from files that `datasets` writes;
`category` is a number that the features name (`ClassLabel`), or a text. Read are Parquet files, with the
features in their metadata, and folders that `Dataset.save_to_disk` wrote. Licence: as the params say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from vzero import geometry
from vzero.config import ObjectsSource
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, in_batches, numbered
from vzero.sources.categories import Categories, categories_of
from vzero.sources.extents import extent_of
from vzero.sources.region_questions import annotations_of
from vzero.sources.regions import AnnotatedImage, Region, regions_of, without_picture
from vzero.untrusted.arrow import column_of, schema_of
from vzero.untrusted.boxes import parse_boxes
from vzero.untrusted.cells import is_null, shown
from vzero.untrusted.files import Images, open_images
from vzero.untrusted.rejects import Reject, RejectCode, Rejected
from vzero.untrusted.rows import Row, read_rows
from vzero.untrusted.tar_shards import Progress

FORMS = (".parquet", ".arrow")
ROWS_TOGETHER = 20  # each comes with its picture
MOST_DEPTH = 20  # of features inside each other


def open_objects(config: ObjectsSource, paths: Paths, advance: Progress = lambda done, total: None) -> Source:
    files, columns = _files(paths.resolve(config.rows)), config.columns
    told = config.categories or _class_names(schema_of(files[0]), columns.objects, columns.category)
    names = dict(enumerate(told))
    rows = chain.from_iterable(read_rows(file, (columns.image, columns.objects)) for file in files)
    images = None
    if config.images is not None:
        images = open_images(paths.resolve(config.images), paths.scratch, advance)
    found = _found(rows, files, names, images, config)
    return Source("objects", in_batches(numbered(found), ROWS_TOGETHER), images=images, inputs=tuple(files))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    for form in FORMS:
        if files := sorted(path.rglob(f"*{form}")):
            return files
    raise SourceError(f"{path}: no *{' or *'.join(FORMS)} file in this folder")


def _class_names(schema: pa.Schema, objects: str, category: str) -> list[str]:
    """The names of a `ClassLabel` in the features that `datasets` writes into a file; [] without one."""
    try:
        told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        return _labels(told["info"]["features"][objects], category, MOST_DEPTH) or []
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def _labels(feature: Any, category: str, depth: int) -> list[str] | None:
    """Names below the key of the category, wherever lists and sequences put it."""
    if isinstance(feature, list):
        feature = dict(enumerate(feature))
    if not isinstance(feature, dict) or not depth:
        return None
    if feature.get("_type") == "ClassLabel":
        names = feature.get("names")
        return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None
    parts = [feature[category]] if category in feature else list(feature.values())
    return next((found for part in parts if (found := _labels(part, category, depth - 1))), None)


def _found(
    rows: Iterator[Row],
    files: Sequence[Path],
    names: dict[int, str],
    images: Images | None,
    config: ObjectsSource,
) -> Iterator[Annotation | Reject]:
    categories = categories_of(_annotated(files, names, config))
    of_row = partial(_of_row, names=names, categories=categories, images=images, config=config)
    for row in rows:
        yield from of_row(row)


def _annotated(files: Sequence[Path], names: dict[int, str], config: ObjectsSource) -> Iterator[str]:
    """Names of all objects; of the files only their column is read for it."""
    for file in files:
        for cell in column_of(file, config.columns.objects):
            for one in _objects(cell):
                if name := _name(one.get(config.columns.category), names):
                    yield name


def _objects(cell: Any) -> list[dict[str, Any]]:
    """The objects of a row: a struct of lists, or a list of structs."""
    if isinstance(cell, dict):
        lists = {key: value for key, value in cell.items() if isinstance(value, list)}
        longest = max((len(value) for value in lists.values()), default=0)
        places = range(longest)
        return [{key: value[place] for key, value in lists.items() if place < len(value)} for place in places]
    return [one for one in cell if isinstance(one, dict)] if isinstance(cell, list) else []


def _name(category: Any, names: dict[int, str]) -> str | None:
    if isinstance(category, str):
        return category.strip() or None
    return names.get(category) if isinstance(category, int) and not isinstance(category, bool) else None


def _of_row(
    row: Row, names: dict[int, str], categories: Categories, images: Images | None, config: ObjectsSource
) -> Iterator[Annotation | Reject]:
    if isinstance(row, str):
        yield Reject(0, RejectCode.MALFORMED_ROW, row)
        return
    columns, declared = config.columns, BoxFormat(config.box_order, config.box_unit)
    image = row.get(columns.image)
    try:
        extent = extent_of(image, images)
    except Rejected as rejected:
        called = (_name(one.get(columns.category), names) for one in _objects(row.get(columns.objects)))
        yield without_picture(rejected, called, image if isinstance(image, str) else None)
        return
    regions, rejects = regions_of(
        _objects(row.get(columns.objects)),
        name=lambda one: _name(one.get(columns.category), names),
        read=lambda one: _region(one, names, extent, config),
        reject=lambda _, rejected: Reject(0, rejected.code, rejected.detail),
    )
    yield from rejects
    sides = row.get("width"), row.get("height")
    told = extent if any(is_null(side) for side in sides) else sides
    annotated = AnnotatedImage(image, told, config.licence, regions, declared)
    yield from annotations_of(annotated, categories, config)


def _region(
    one: dict[str, Any], names: dict[int, str], extent: tuple[int, int], config: ObjectsSource
) -> Region:
    category = one.get(config.columns.category)
    name = _name(category, names)
    if name is None:
        raise Rejected(RejectCode.MALFORMED_ROW, f"class {shown(category)} has no name")
    numbers = parse_boxes(one.get(config.columns.box))
    if len(numbers) != 1:
        raise Rejected(RejectCode.BAD_BOX, f"{len(numbers)} boxes of an object")
    declared = BoxFormat(config.box_order, config.box_unit)
    return Region(name, geometry.to_pixels(numbers[0], declared, *extent), written=numbers[0])
