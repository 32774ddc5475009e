"""Label Studio's JSON exports: tasks with rectangles in per cent of the picture.

Boxes: `value` with x, y, width and height, 0-100 of the sides, and `rotation`; turned ones are refused, as no
box says where they are. Known from labelstud.io/guide/export (JSON and JSON-MIN, unverified) and from tasks
that `label-studio-sdk` writes of YOLO files. Licence: as the params say.

Of a task that several people annotated the first annotation counts that was not cancelled. Rectangles alone
are read. Pictures are named by addresses of the server: `?d=` paths, or uploads with eight hexadecimal digits
and `-` in front; the picture is found by what is left, with its folders or without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from vzero import geometry
from vzero.config import LabelStudioSource
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, in_batches, numbered
from vzero.sources.categories import Categories, categories_of
from vzero.sources.extents import extent_of
from vzero.sources.pictures import Pictures
from vzero.sources.region_questions import annotations_of
from vzero.sources.regions import AnnotatedImage, Region, regions_of, without_picture
from vzero.untrusted.boxes import parse_boxes
from vzero.untrusted.cells import shown
from vzero.untrusted.files import PICTURES, holds, open_images
from vzero.untrusted.rejects import Reject, RejectCode, Rejected
from vzero.untrusted.rows import Row, read_rows
from vzero.untrusted.tar_shards import Progress

SIDES = ("x", "y", "width", "height")
PARTS_OF_SIDES = BoxFormat("xywh", "fraction")
UPLOADED = re.compile(r"^[0-9a-f]{8}-")


def open_label_studio(
    config: LabelStudioSource, paths: Paths, advance: Progress = lambda done, total: None
) -> Source:
    path = paths.resolve(config.tasks)
    images = open_images(paths.resolve(config.images), paths.scratch, advance)
    found = _found(path, Pictures(images), config)
    return Source("label_studio", in_batches(numbered(found)), images=images, inputs=(path,))


def _found(path: Path, pictures: Pictures, config: LabelStudioSource) -> Iterator[Annotation | Reject]:
    # The file is read twice, but never held.
    names = (name for row in read_rows(path, ()) for each in _rectangles(row) if (name := _label(each)))
    categories = categories_of(names)
    for row in read_rows(path, ()):
        yield from _of_task(row, categories, pictures, config)


def _rectangles(row: Row) -> list[dict[str, Any]]:
    """Values of a task's rectangles, with the sides of the picture, in both forms of export."""
    if isinstance(row, str):
        return []
    drawn = _results(row.get("annotations"))
    if drawn is None:  # JSON-MIN: a list of values under the name of the control
        lists = [value for value in row.values() if isinstance(value, list)]
        drawn = [{"value": one} | one for value in lists for one in value if isinstance(one, dict)]
    values = [one | one["value"] for one in drawn if isinstance(one.get("value"), dict)]
    return [value for value in values if all(side in value for side in SIDES)]


def _results(annotations: Any) -> list[dict[str, Any]] | None:
    """What the first annotation that counts has drawn; None where there are no annotations."""
    if not isinstance(annotations, list):
        return None
    told = [one for one in annotations if isinstance(one, dict) and not one.get("was_cancelled")]
    results = next((one["result"] for one in told if isinstance(one.get("result"), list)), [])
    return [one for one in results if isinstance(one, dict)]


def _label(value: dict[str, Any]) -> str | None:
    names = value.get("rectanglelabels")
    name = names[0] if isinstance(names, list) and names else None
    return name.strip() or None if isinstance(name, str) else None


def _of_task(
    row: Row, categories: Categories, pictures: Pictures, config: LabelStudioSource
) -> Iterator[Annotation | Reject]:
    if isinstance(row, str):
        yield Reject(0, RejectCode.MALFORMED_ROW, row)
        return
    drawn = _rectangles(row)
    try:
        picture = _picture(row, pictures)
        extent = extent_of(picture, pictures.images)
    except Rejected as rejected:
        yield without_picture(rejected, map(_label, drawn), None)
        return
    told = (drawn[-1].get("original_width"), drawn[-1].get("original_height")) if drawn else extent
    regions, rejects = regions_of(
        drawn,
        name=_label,
        read=lambda value: _region(value, extent),
        reject=lambda _, rejected: Reject(0, rejected.code, rejected.detail, image=picture),
    )
    yield from rejects
    annotated = AnnotatedImage(picture, told, config.licence, regions, PARTS_OF_SIDES)
    yield from annotations_of(annotated, categories, config)


def _region(value: dict[str, Any], extent: tuple[int, int]) -> Region:
    name = _label(value)
    if name is None:
        raise Rejected(RejectCode.MALFORMED_ROW, "a rectangle without a label")
    for turned in ("rotation", "image_rotation"):
        if value.get(turned) not in (None, 0):
            what = f"{turned} {shown(value[turned])}: a turned rectangle is no box"
            raise Rejected(RejectCode.BAD_BOX, what)
    [numbers] = parse_boxes([value[side] for side in SIDES])
    left, top, width, height = (number / 100 for number in numbers)
    written = left, top, width, height
    return Region(name, geometry.to_pixels(written, PARTS_OF_SIDES, *extent), written=written)


def _picture(row: dict[str, Any], pictures: Pictures) -> str:
    """The path of a task's picture in the images. Raises Rejected where the task names none."""
    data = row.get("data")
    cells = data if isinstance(data, dict) else row
    named = [cells["image"]] if isinstance(cells.get("image"), str) else list(cells.values())
    addresses = [cell for cell in named if isinstance(cell, str) and unquote(cell).lower().endswith(PICTURES)]
    if not addresses:
        raise Rejected(RejectCode.MISSING_IMAGE, "the task names no picture")
    path = unquote(addresses[0]).rpartition("?d=")[2]
    name = path.rpartition("/")[2]
    candidates = [path.lstrip("/"), name, UPLOADED.sub("", name)]
    return next((each for each in candidates if holds(pictures.images, each)), candidates[-1])
