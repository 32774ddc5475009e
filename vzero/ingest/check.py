"""From unchecked annotations to rows of the samples and images tables, or the reason why not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xxhash

from vzero import geometry, imaging
from vzero.config import Ingest
from vzero.geometry import Box, BoxFormat
from vzero.ingest.conventions import SourceBox, fit
from vzero.ingest.drawn_boxes import shows_drawn_box
from vzero.ingest.grid import Grid
from vzero.ingest.image_store import ImageStore
from vzero.ingest.locate import locate_crops
from vzero.sources.annotation import Annotation, NoBox, ReadyCrops
from vzero.sources.repairs import Repair
from vzero.untrusted.boxes import Numbers, parse_boxes
from vzero.untrusted.cells import (
    folder_of,
    parse_answer,
    parse_id,
    parse_more_images,
    parse_options,
    parse_question,
    printable,
    single_image,
)
from vzero.untrusted.cleaning import clean
from vzero.untrusted.rejects import RejectCode, Rejected

MIN_INSIDE = 0.5  # share of a box; with less in the image, the box is on another grid


def check(annotation: Annotation, store: ImageStore, config: Ingest) -> dict[str, Any]:
    """The row of `tables.Samples`. Raises Rejected for the first thing that is wrong, cheap checks first."""
    further = parse_more_images(annotation.more_images)
    asked = parse_question(annotation.question, images=1 + len(further))
    question, options, cleanings = clean(asked, parse_options(annotation.options))
    answer = parse_answer(annotation.answer, options)
    given_id = parse_id(annotation.sample_id) if annotation.needs_id else None
    numbers = written_boxes(annotation, config)
    checked = store.add(single_image(annotation.image), annotation.licence)
    image_id, grid = checked.row["image_id"], checked.grid(annotation.exif or config.exif)
    repairs = [*annotation.repairs, *check_size(annotation.annotated_size, grid)]
    store.boxes += [
        SourceBox(box, annotation.box_format, grid.extent, grid.orientation, folder_of(annotation.image))
        for box in numbers
    ]
    if annotation.tells_direction and grid.is_turned:
        raise Rejected(RejectCode.BAD_ANSWER, "it tells a direction, and the picture is turned")
    if isinstance(annotation.boxes, ReadyCrops):
        numbers = locate_crops(annotation.boxes, grid.pixels(store.pixels(image_id)), store.load)
    boxes = boxes_on_picture(annotation, numbers, grid, config)
    if boxes:
        check_evidence(boxes, checked.row, config)
    if annotation.refuse_drawn_boxes and any(shows_drawn_box(store.pixels(image_id), box) for box in boxes):
        raise Rejected(RejectCode.DRAWN_BOX, "a red box is drawn around the evidence")
    more_ids = add_further(further, annotation.licence, store)
    # Of a single image it is what it was before there could be others: ids made from it stay.
    content = [image_id, question, options, boxes, *([more_ids] if more_ids else [])]
    return {
        "sample_id": given_id or f"{store.source}-{_digest(content)[:16]}",
        "image_id": image_id,
        "more_image_ids": more_ids,
        "question": question,
        "options": options,
        "answer": answer,
        "boxes": [list(box) for box in boxes],
        "evidence_box": list(geometry.union(boxes)) if boxes else None,
        "split": annotation.split or split_of(image_id, config.dev_fraction),
        "category": printable(annotation.category),
        "source": store.source,
        "content": _digest([*content, answer]),
        "repairs": repairs,
        "cleanings": [*annotation.cleanings, *cleanings],
    }


def written_boxes(annotation: Annotation, config: Ingest) -> list[Numbers]:
    """A row's boxes in its own convention; [] where they are yet to be located, or a row without any is kept.

    A row that says its box twice has one, even where one of the two is empty.
    """
    if isinstance(annotation.boxes, ReadyCrops):
        return []
    try:
        if isinstance(annotation.boxes, NoBox):
            raise Rejected(RejectCode.MISSING_BOX, annotation.boxes.why)
        return parse_boxes(annotation.boxes)
    except Rejected as rejected:
        missing = rejected.code == RejectCode.MISSING_BOX and annotation.restated_box is None
        if missing and config.missing_box == "keep":
            return []
        raise


def boxes_on_picture(
    annotation: Annotation, numbers: Sequence[Numbers], grid: Grid, config: Ingest
) -> list[Box]:
    """The parts of a row's boxes inside the picture, in its pixels."""
    drawn = [check_box(box, annotation.box_format, grid, config) for box in numbers]
    if annotation.restated_box is not None:
        check_agreement(numbers, annotation.box_format, annotation.restated_box, grid.extent)
    return [grid.on_picture(box) for box in drawn]


def check_evidence(boxes: Sequence[Box], image: dict[str, Any], config: Ingest) -> None:
    """Whether the boxes together leave enough of the image to say where the evidence is."""
    covered = geometry.area(geometry.union(boxes)) / (image["width"] * image["height"])
    if covered > config.max_box_coverage:
        raise Rejected(RejectCode.BOX_TOO_LARGE, f"{covered:.1%} of the image")


def add_further(images: Sequence[str | bytes], licence: str, store: ImageStore) -> list[str]:
    """The ids of the images after the first, each checked as that one is."""
    ids = []
    for number, image in enumerate(images, start=2):
        try:
            ids.append(store.add(image, licence).row["image_id"])
        except Rejected as rejected:
            raise rejected.of(f"image {number}") from rejected
    return ids


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
