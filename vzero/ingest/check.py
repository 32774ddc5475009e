"""From unchecked annotations to rows of the samples and images tables, or the reason why not."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import xxhash

from vzero import geometry, imaging
from vzero.config import Ingest
from vzero.geometry import Box, BoxFormat
from vzero.ingest.conventions import SourceBox, fit
from vzero.ingest.drawn_boxes import shows_drawn_box
from vzero.ingest.grid import DrawnOn, Grid, grid_of
from vzero.ingest.locate import locate_crops
from vzero.sources.annotation import Annotation, ReadyCrops
from vzero.sources.repairs import Repair
from vzero.untrusted.boxes import Numbers, parse_boxes
from vzero.untrusted.cells import (
    folder_of,
    parse_answer,
    parse_id,
    parse_options,
    parse_question,
    printable,
    single_image,
)
from vzero.untrusted.files import Images, read_image
from vzero.untrusted.rejects import RejectCode, Rejected

MIN_INSIDE = 0.5  # share of a box; with less in the image, the box is on another grid


class CheckedImage(NamedTuple):
    """A picture that was decoded, and so can be used."""

    row: dict[str, Any]
    """Of `tables.Images`; instead of the bytes their length, and their path or place in `ImageStore.file`."""
    orientation: int
    """EXIF orientation of the file that the row was made of, 1 to 8."""
    picture: DrawnOn
    """Whether the row is about the picture as its orientation shows it, or as the file stores it."""

    def grid(self, drawn_on: DrawnOn) -> Grid:
        """What boxes are drawn on."""
        return grid_of((self.row["width"], self.row["height"]), self.orientation, self.picture, drawn_on)


@dataclass
class ImageStore:
    """The images of some annotations, each decoded once however many annotations name it."""

    source: str
    images: Images | None
    max_megapixels: float
    upright: bool = True
    """Whether pictures are turned as their EXIF orientation says."""
    file: BinaryIO = field(default_factory=tempfile.TemporaryFile)
    """Gets the bytes of images that are no files of their own: many large ones would fill the memory."""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Rows by image id, as of `CheckedImage`."""
    boxes: list[SourceBox] = field(default_factory=list)
    """Boxes as the source has them, whatever becomes of their rows; to verify the declared convention by."""
    _known: dict[str | bytes, CheckedImage | Rejected] = field(default_factory=dict)
    _found: dict[str, CheckedImage] = field(default_factory=dict)
    """By hash of the bytes as they were found."""
    _decoded: tuple[str, np.ndarray] | None = None

    def add(self, image: str | bytes, licence: str) -> CheckedImage:
        """The picture that a path or bytes give. Raises Rejected when it cannot be used."""
        if image not in self._known:
            try:
                self._known[image] = self._load_and_describe(image, licence)
            except Rejected as rejected:
                self._known[image] = rejected
        known = self._known[image]
        if isinstance(known, Rejected):
            raise known
        return known

    def _load_and_describe(self, image: str | bytes, licence: str) -> CheckedImage:
        data = self.load(image)
        found = hashlib.sha256(data).hexdigest()
        if found not in self._found:
            self._found[found] = self._describe(found, image, data, licence)
        return self._found[found]

    def _describe(self, image_id: str, image: str | bytes, data: bytes, licence: str) -> CheckedImage:
        try:
            pixels, name = imaging.decode_to_check(data, max_megapixels=self.max_megapixels)
        except imaging.ImageError as error:
            raise Rejected(RejectCode(error.code), error.detail) from error
        orientation, left = imaging.orientation(data), imaging.left_to_turn(data)
        picture = "shown" if self.upright or left != orientation else "stored"
        shown = imaging.turn(pixels, left)
        if self.upright and left != 1:
            data = image = imaging.encode_png(imaging.turn(imaging.decode(data), left))
            image_id, name = hashlib.sha256(data).hexdigest(), "png"
        if image_id not in self.rows:
            height, width = (shown if picture == "shown" else pixels).shape[:2]
            self.rows[image_id] = {
                "image_id": image_id,
                "width": width,
                "height": height,
                "format": name,
                "perceptual_hash": imaging.difference_hash(shown),
                "source": self.source,
                "licence": printable(licence),
            } | self._place_of(image, data)
        return CheckedImage(self.rows[image_id], orientation, picture)

    def pixels(self, image_id: str) -> np.ndarray:
        """RGB pixels of an image in the store; those decoded last are kept."""
        if self._decoded is None or self._decoded[0] != image_id:
            data = self._bytes(self.rows[image_id])
            try:
                self._decoded = image_id, imaging.decode(data)
            except imaging.ImageError as error:  # by path, and no longer what it was
                raise Rejected(RejectCode(error.code), error.detail) from error
        return self._decoded[1]

    def load(self, image: str | bytes) -> bytes:
        """Encoded bytes of a picture given by path or bytes. Raises Rejected when there is none."""
        if isinstance(image, bytes):
            return image
        if self.images is None:
            raise Rejected(RejectCode.MISSING_IMAGE, "a path, but no image folder is declared")
        return read_image(self.images, image)

    def _place_of(self, image: str | bytes, data: bytes) -> dict[str, Any]:
        """Where the bytes can be read again."""
        if isinstance(image, str) and image == printable(image):
            return {"path": image, "place": None, "length": len(data), "digest": digest(data)}
        place = self.file.seek(0, os.SEEK_END)
        self.file.write(data)
        return {"path": None, "place": place, "length": len(data), "digest": None}

    def _bytes(self, row: dict[str, Any]) -> bytes:
        if row["path"] is not None:
            return self.load(row["path"])
        self.file.seek(row["place"])
        return self.file.read(row["length"])


def digest(data: bytes) -> int:
    """By which an image that is read again is known to be the same."""
    return xxhash.xxh3_64_intdigest(data)


def check(annotation: Annotation, store: ImageStore, config: Ingest) -> dict[str, Any]:
    """The row of `tables.Samples`. Raises Rejected for the first thing that is wrong, cheap checks first."""
    question = parse_question(annotation.question)
    options = parse_options(annotation.options)
    answer = parse_answer(annotation.answer, options)
    given_id = parse_id(annotation.sample_id) if annotation.needs_id else None
    ready = annotation.boxes if isinstance(annotation.boxes, ReadyCrops) else None
    numbers = parse_boxes(annotation.boxes) if ready is None else []
    checked = store.add(single_image(annotation.image), annotation.licence)
    image, grid = checked.row, checked.grid(annotation.exif or config.exif)
    repairs = [*annotation.repairs, *check_size(annotation.annotated_size, grid)]
    store.boxes += [
        SourceBox(box, annotation.box_format, grid.extent, grid.orientation, folder_of(annotation.image))
        for box in numbers
    ]
    if annotation.tells_direction and grid.is_turned:
        raise Rejected(RejectCode.BAD_ANSWER, "it tells a direction, and the picture is turned")
    if ready is not None:
        numbers = locate_crops(ready, grid.pixels(store.pixels(image["image_id"])), store.load)
    drawn = [check_box(box, annotation.box_format, grid, config) for box in numbers]
    if annotation.restated_box is not None:
        check_agreement(numbers, annotation.box_format, annotation.restated_box, grid.extent)
    boxes = [grid.on_picture(box) for box in drawn]
    evidence = geometry.union(boxes)
    covered = geometry.area(evidence) / (image["width"] * image["height"])
    if covered > config.max_box_coverage:
        raise Rejected(RejectCode.BOX_TOO_LARGE, f"{covered:.1%} of the image")
    if annotation.refuse_drawn_boxes:
        pixels = store.pixels(image["image_id"])
        if any(shows_drawn_box(pixels, box) for box in boxes):
            raise Rejected(RejectCode.DRAWN_BOX, "a red box is drawn around the evidence")
    content = [image["image_id"], question, options, boxes]
    return {
        "sample_id": given_id or f"{store.source}-{_digest(content)[:16]}",
        "image_id": image["image_id"],
        "question": question,
        "options": options,
        "answer": answer,
        "boxes": [list(box) for box in boxes],
        "evidence_box": list(evidence),
        "split": annotation.split or split_of(image["image_id"], config.dev_fraction),
        "category": printable(annotation.category),
        "source": store.source,
        "content": _digest([*content, answer]),
        "repairs": repairs,
    }


def check_size(annotated: tuple[Any, Any] | None, grid: Grid) -> list[Repair]:
    """Whether the boxes were drawn on a picture of this size; the repair where that is not told.

    `None` and 0 tell nothing: tools that did not open the image write them.
    """
    if annotated is None:
        return []
    told = [(side, true) for side, true in zip(annotated, grid.extent, strict=True) if side not in (None, 0)]
    if any(side != true for side, true in told):
        raise Rejected(RejectCode.SIZE_MISMATCH, _mismatch(annotated, grid))
    return [] if len(told) == len(annotated) else [Repair.IMAGE_SIZE]


def check_box(
    numbers: tuple[float, float, float, float], declared: BoxFormat, grid: Grid, config: Ingest
) -> Box:
    """The part of an annotated box inside what it is drawn on, in pixels of that."""
    box = geometry.to_pixels(numbers, declared, *grid.extent)
    width, height = geometry.sides(box)
    if width < 0 or height < 0:
        raise Rejected(RejectCode.BAD_BOX, f"corners swapped: {numbers}")
    if width == 0 or height == 0:
        raise Rejected(RejectCode.BOX_EMPTY, f"{numbers} has no area")
    if grid.orientation in imaging.QUARTER_TURNS and _fits_the_other_alone(numbers, declared, grid):
        raise Rejected(RejectCode.BOX_OUTSIDE, f"{numbers} on an image of {grid}: see ingest.exif")
    clipped = geometry.clip(box, *grid.extent)
    if geometry.coverage(box, clipped) < MIN_INSIDE:
        raise Rejected(RejectCode.BOX_OUTSIDE, f"{numbers} on an image of {grid}")
    if min(geometry.sides(clipped)) < config.min_box_side:
        raise Rejected(RejectCode.BOX_EMPTY, f"{numbers} is narrower than {config.min_box_side:g} px")
    return clipped


def _fits_the_other_alone(numbers: Numbers, declared: BoxFormat, grid: Grid) -> bool:
    """Whether a box reaches out of what it is declared to be drawn on, but not out of the other."""
    fits, fits_other = fit(
        np.array([numbers, numbers], np.float64), declared, np.array([grid.extent, grid.other_extent])
    )
    return bool(fits_other and not fits)


def _mismatch(annotated: Any, grid: Grid) -> str:
    advice = ": see ingest.exif" if annotated == grid.other_extent else ""
    return f"annotated {annotated}, the image is {grid}{advice}"


def check_agreement(
    boxes: Sequence[Numbers], declared: BoxFormat, restated: tuple[Any, BoxFormat], extent: tuple[int, int]
) -> None:
    """Whether a second statement of the boxes' union means the same pixels of this image."""
    union = geometry.union(geometry.to_pixels(box, declared, *extent) for box in boxes)
    repeated = geometry.union(
        geometry.to_pixels(box, restated[1], *extent) for box in parse_boxes(restated[0])
    )
    # A pixel for numbers cut to whole pixels, and a thousandth for those rounded to three decimals.
    tolerance = 1 + max(extent) / 1000
    if any(abs(one - other) > tolerance for one, other in zip(union, repeated, strict=True)):
        shown = [[round(number, 1) for number in box] for box in (union, repeated)]
        raise Rejected(
            RejectCode.SIZE_MISMATCH,
            f"the box is {shown[0]} and {shown[1]} of this image, which is {extent[0]} x {extent[1]}",
        )


def split_of(image_id: str, dev_fraction: float) -> str:
    """Train or dev by hash of the image, so that no image is in both."""
    number = xxhash.xxh64_intdigest(f"split:{image_id}".encode())
    return "dev" if number < dev_fraction * 2**64 else "train"


def _digest(content: list[Any]) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()
