"""Pascal VOC: boxes of 20 kinds of objects, one XML file an image, without questions.

Where: host.robots.ox.ac.uk/pascal/VOC (VOC2007, VOC2012), folders `Annotations` and `JPEGImages`. Many
annotation tools export the same form.
Licence: the images are from Flickr under its terms of use; none is stated for the annotations.
Boxes: `bndbox` holds xmin, ymin, xmax, ymax in pixels of the image. The upper left pixel is (1, 1)
and xmax and ymax are the last ones inside, as the VOC2012 development kit's manual says; so the left and
upper edge are one less than written. Tools that count from 0 write edges: `first_pixel: 0`.

Tools leave the picture's extension off, or write 0 for width and height: `pictures` finds the picture,
and `ingest.check` takes its own size; both are counted as repairs.

Objects marked `difficult` are not asked about. Parts (`object/part`) are not read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from vzero.config import VocSource
from vzero.errors import SourceError
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, in_batches, numbered
from vzero.sources.categories import Categories, categories_of
from vzero.sources.pictures import Named, Pictures
from vzero.sources.region_questions import annotations_of
from vzero.sources.regions import AnnotatedImage, Region, regions_of, without_picture
from vzero.sources.repairs import Repair
from vzero.untrusted.boxes import parse_boxes
from vzero.untrusted.files import open_images
from vzero.untrusted.rejects import Reject, RejectCode, Rejected
from vzero.untrusted.tar_shards import Progress

LARGEST_FILE = 2**22  # bytes; an object takes about 300
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def open_voc(config: VocSource, paths: Paths, advance: Progress = lambda done, total: None) -> Source:
    folder = paths.resolve(config.annotations)
    # Only plain files: a pipe or a device of that name would never end.
    files = sorted(file for file in folder.glob("*.xml") if file.is_file())
    if not files:
        raise SourceError(f"{folder}: no *.xml file in this folder")
    images = open_images(paths.resolve(config.images), paths.scratch, advance)
    found = _found(files, Pictures(images), config)
    return Source("voc", in_batches(numbered(found)), images=images, inputs=tuple(files))


def _found(files: list[Path], pictures: Pictures, config: VocSource) -> Iterator[Annotation | Reject]:
    categories = categories_of(_names(files))
    for file in files:
        yield from _of_file(file, pictures, categories, config)


def _names(files: list[Path]) -> list[str]:
    """Every name that an object of any file has; the files are read twice for it, but never all at once."""
    names = set()
    for file in files:
        with contextlib.suppress(Rejected):
            names.update(_text(element, "name") for element in _parse(file).findall("object"))
    return sorted(names - {""})


def _of_file(
    file: Path, pictures: Pictures, categories: Categories, config: VocSource
) -> Iterator[Annotation | Reject]:
    try:
        root = _parse(file)
    except Rejected as rejected:
        yield Reject(0, rejected.code, f"{file.name}: {rejected.detail}")
        return
    try:
        named = Named(file, *(_text(root, tag) for tag in ("filename", "path", "folder")))
        image, searched = pictures.find(named)
        extent = _size(root)
    except Rejected as rejected:
        called = (_text(element, "name") for element in root.findall("object"))
        yield without_picture(rejected, called, None, f"{file.name}: ")
        return
    regions, rejects = regions_of(
        root.findall("object"),
        name=lambda element: _text(element, "name"),
        read=lambda element: _region(element, config.first_pixel),
        reject=lambda _, rejected: Reject(
            0, rejected.code, f"{file.name}: {rejected.detail}", image=named.filename or None
        ),
    )
    yield from rejects
    repairs = (Repair.IMAGE_NAME,) if searched else ()
    annotated = AnnotatedImage(image, extent, config.licence, regions)
    for item in annotations_of(annotated, categories, config):
        yield item if isinstance(item, Reject) else replace(item, repairs=repairs)


def _parse(file: Path) -> Element:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise Rejected(RejectCode.MALFORMED_ROW, f"more than {LARGEST_FILE:,} bytes of XML")
        root = fromstring(file.read_bytes(), forbid_dtd=True)
    # ValueError: definitions, which may expand without end, or a broken character; LookupError: an encoding.
    except (ParseError, ValueError, LookupError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise Rejected(RejectCode.MALFORMED_ROW, f"not readable XML: {reason}") from error
    if root.tag != "annotation":
        raise Rejected(RejectCode.MALFORMED_ROW, f"<{root.tag[:40]}> instead of <annotation>")
    return root


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _size(root: Element) -> tuple[int | None, int | None]:
    """Width and height that the boxes were drawn on; `None` where the file does not tell."""
    texts = (_text(root, f"size/{tag}") for tag in ("width", "height"))
    width, height = (_side(text) for text in texts)
    return width, height


def _side(text: str) -> int | None:
    """None also for what tools write that did not open the picture: None, 0 or -1."""
    if text in ("", "None"):
        return None
    side = int(_number(text, RejectCode.MALFORMED_ROW))
    return side if side > 0 else None


def _region(element: Element, first_pixel: int) -> Region:
    category = _text(element, "name")
    if not category:
        raise Rejected(RejectCode.MALFORMED_ROW, "an object without a name")
    texts = [_text(element, f"bndbox/{corner}") for corner in CORNERS]
    if texts == [""] * 4:
        raise Rejected(RejectCode.MISSING_BOX, f"no box of the {category}")
    [box] = parse_boxes([_number(text, RejectCode.BAD_BOX) for text in texts])
    box = (box[0] - first_pixel, box[1] - first_pixel, box[2], box[3])
    return Region(category, box, askable=_text(element, "difficult") in ("", "0"))


def _number(text: str, code: RejectCode) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise Rejected(code, f"{text[:80]!r} is no number") from error
    if not abs(number) < 1e9:  # infinite, not a number, or beyond any image
        raise Rejected(code, f"{text[:80]!r} is no number of pixels")
    return number
