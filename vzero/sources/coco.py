"""COCO instances: boxes of 80 kinds of objects in everyday photographs, without questions.

Where: cocodataset.org, `annotations_trainval2017.zip` (instances_train2017.json, about 450 MB) and the
image archives. Many other data sets are published in the same form.
Licence: annotations CC BY 4.0 (cocodataset.org/#termsofuse); images under the Flickr licences that the
file names for each, some of them non-commercial. Creative Commons licences get their short names (CC BY-NC
2.0), which `ingest.filters` knows them by.
Boxes: `bbox` is [x, y, width, height] in pixels of the image, counted from 0 at its upper left
corner, with fractions; known from cocodataset.org/#format-data. Masks are not read.

The file's lists `images` (id, file_name, width, height, license), `annotations` (image_id, category_id,
bbox, iscrowd) and `categories` (id, name, supercategory) are read one after the other. Annotations lie in no
order, so they are gathered by image in a temporary database on disk. Only categories that some annotation has
are options, for a file lists others too.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from vzero import geometry
from vzero.config import CocoSource
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, in_batches, numbered
from vzero.sources.categories import categories_of
from vzero.sources.gathered import Gathered
from vzero.sources.region_questions import annotations_of
from vzero.sources.regions import AnnotatedImage, Region, regions_of
from vzero.untrusted.boxes import parse_boxes
from vzero.untrusted.cells import parse_id, printable
from vzero.untrusted.json_stream import list_items
from vzero.untrusted.rejects import Reject, RejectCode, Rejected

CREATIVE_COMMONS = re.compile(r"//creativecommons\.org/licenses/([a-z-]{2,9})/([\d.]{1,5})")
CORNER_AND_SIDES = BoxFormat("xywh", "pixel")


def open_coco(config: CocoSource, paths: Paths) -> Source:
    path = paths.resolve(config.annotations)
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    images = paths.resolve(config.images)
    return Source("coco", in_batches(numbered(_found(path, config))), images=images, inputs=(path,))


def _found(path: Path, config: CocoSource) -> Iterator[Annotation | Reject]:
    """Questions and rejects of one image after the other; rows not yet numbered."""
    categories = _names(path, "categories")
    licences = _names(path, "licenses") | _short_licences(path)
    if not categories:
        raise SourceError(f"{path}: no list of categories with names; is it a file of instances?")
    with contextlib.closing(Gathered()) as gathered:
        used: set[str] = set()
        yield from _gather(path, gathered, used)
        used_names = [name for number, name in categories.items() if printable(number) in used]
        options = categories_of(used_names, _supercategories(path))
        for _, (image, *annotations) in gathered.groups():
            name = image.get("file_name") if isinstance(image.get("file_name"), str) else None
            regions, rejects = regions_of(
                annotations,
                name=lambda annotation: categories.get(str(annotation.get("category_id"))),
                read=lambda annotation: _region(annotation, categories),
                reject=lambda annotation, rejected: _reject(rejected.code, rejected.detail, annotation),
            )
            yield from (replace(item, image=name) for item in rejects)
            licence = licences.get(str(image.get("license")), config.licence)
            extent = image.get("width"), image.get("height")
            annotated = AnnotatedImage(image.get("file_name"), extent, licence, regions, CORNER_AND_SIDES)
            yield from annotations_of(annotated, options, config)


def _names(path: Path, key: str) -> dict[str, str]:
    """Names by id of a list of the file."""
    items = (item for item in list_items(path, key) if isinstance(item, dict))
    found = {str(item.get("id")): item.get("name") for item in items}
    return {number: name.strip() for number, name in found.items() if isinstance(name, str) and name.strip()}


def _supercategories(path: Path) -> Iterator[tuple[str, str]]:
    """Pairs of a category's name and its super-category's."""
    for item in list_items(path, "categories"):
        name, wider = (
            (item.get("name"), item.get("supercategory")) if isinstance(item, dict) else (None, None)
        )
        if isinstance(name, str) and isinstance(wider, str):
            yield name, wider


def _short_licences(path: Path) -> dict[str, str]:
    """Short names by id of the licences whose address says that they are Creative Commons'."""
    items = (item for item in list_items(path, "licenses") if isinstance(item, dict))
    found = {str(item.get("id")): CREATIVE_COMMONS.search(str(item.get("url"))) for item in items}
    return {number: f"CC {match[1].upper()} {match[2]}" for number, match in found.items() if match}


def _gather(path: Path, gathered: Gathered, used: set[str]) -> Iterator[Reject]:
    """Each image and behind it its annotations; rejects for the others. `used` gets the ids of categories."""
    for image in list_items(path, "images"):
        key = _id(image, "id")
        if key is None:
            yield _reject(RejectCode.MALFORMED_ROW, "an image without an id", image)
        elif key in gathered:
            yield _reject(RejectCode.DUPLICATE_ID, f"a second image {key}", image)
        else:
            gathered.add(key, {name: image.get(name) for name in ("file_name", "width", "height", "license")})
    for annotation in list_items(path, "annotations"):
        key = _id(annotation, "image_id")
        if key is None or key not in gathered:
            code = RejectCode.MISSING_IMAGE if key is not None else RejectCode.MALFORMED_ROW
            yield _reject(code, "an annotation of no image in the list", annotation)
            continue
        kept = {name: annotation.get(name) for name in ("id", "category_id", "bbox", "iscrowd")}
        used.add(printable(str(kept["category_id"])))
        gathered.add(key, kept)


def _id(item: Any, key: str) -> str | None:
    try:
        return parse_id(item.get(key)) if isinstance(item, dict) else None
    except Rejected:
        return None


def _region(annotation: dict[str, Any], categories: dict[str, str]) -> Region:
    category = categories.get(str(annotation["category_id"]))
    if category is None:
        raise Rejected(RejectCode.MALFORMED_ROW, f"unknown category {annotation['category_id']!r}"[:200])
    if annotation["iscrowd"] not in (None, 0):
        raise Rejected(RejectCode.CROWD_REGION, f"a crowd of {category}")
    numbers = parse_boxes(annotation["bbox"])
    if len(numbers) != 1:
        raise Rejected(RejectCode.BAD_BOX, f"{len(numbers)} boxes in an annotation")
    box = geometry.to_pixels(numbers[0], CORNER_AND_SIDES, 1, 1)
    return Region(category, box, written=numbers[0])


def _reject(code: RejectCode, detail: str, item: Any) -> Reject:
    number = item.get("id") if isinstance(item, dict) else None
    return Reject(0, code, detail, sample_id=None if number is None else str(number)[:100])
