"""Whether a whole source writes its boxes as declared: the verdict, and the picture that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vzero import geometry, shards
from vzero.config import Ingest, SourceName
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources import spill
from vzero.sources.annotation import ReadyCrops, Source, SourceError
from vzero.sources.box_sheet import Drawn, draw_disputed
from vzero.sources.boxes import parse_boxes
from vzero.sources.catalogue import open_source
from vzero.sources.cells import single_image
from vzero.sources.check import Shelf
from vzero.sources.convention_counts import read_counts
from vzero.sources.conventions import (
    MIN_BOXES,
    TOLERATED,
    Contradiction,
    contradiction,
    fit,
    inside_share,
)
from vzero.sources.rejects import Reject, Rejected

LOOKED_AT = 400  # rows from which the disputed boxes to draw are taken
DRAWN = 6
SHEET = Path("ingest/box_convention.png")  # in the scratch folder


def verify(config: Ingest, paths: Paths, folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """What the counts in `folder` say, by source and declared convention: boxes, share inside, verdict.

    `SourceError` when boxes contradict a declaration and `ingest.verify_boxes` is on; disputed boxes are then
    drawn to `.vzero/ingest/box_convention.png`.
    """
    sheet = paths.scratch / SHEET
    summary: dict[str, dict[str, dict[str, Any]]] = {}
    for (name, declared), counts in read_counts(spill.stored_counts(folder)).items():
        found = contradiction(counts, declared)
        if found is not None and config.verify_boxes:
            with shards.atomic_path(sheet) as temporary:
                temporary.write_bytes(_draw(open_source(name, config, paths), config, declared, found))
            raise SourceError(_complaint(name, config, declared, found, sheet))
        boxes, inside = int(counts.boxes), inside_share(counts, declared)
        summary.setdefault(name, {})[_name(declared)] = {
            "boxes": boxes,
            "inside": round(inside, 4),
            # Boxes outside that fit no other convention either may be of images of another size.
            "verified": boxes >= MIN_BOXES and found is None and inside >= TOLERATED,
            "exif_oriented": round(int(counts.oriented) / boxes, 4),
        }
    return summary


def describe(summary: dict[str, dict[str, dict[str, Any]]]) -> Iterator[str]:
    """A line for people about each declared convention."""
    for source, name, row in ((s, name, row) for s, rows in summary.items() for name, row in rows.items()):
        if row["verified"]:
            verdict = "as declared"
        elif row["boxes"] < MIN_BOXES:
            verdict = f"fewer than {MIN_BOXES}, too few to verify"
        else:
            verdict = "not as declared, look at some before training on them"
        yield (
            f"{source}: {row['boxes']:,} boxes of {name}, {row['inside']:.1%} inside their image: {verdict}; "
            f"{row['exif_oriented']:.1%} on images with an EXIF orientation, which is ignored"
        )


def _name(convention: BoxFormat) -> str:
    return f"{convention.order} {convention.unit}"


def _complaint(
    name: SourceName, config: Ingest, declared: BoxFormat, found: Contradiction, sheet: Path
) -> str:
    """Which source, what its boxes say, what to change, and where to look."""
    numbers = f"{found.as_declared:.1%} of {found.boxes:,} boxes fit their image so, {found.as_fitting:.1%}"
    look = f"Look at {sheet}. If the boxes are right as declared: ingest.verify_boxes: false"
    if found.turned:
        return (
            f"{name}: boxes are on the image as its EXIF orientation turns it, but declared for the "
            f"stored one: {numbers} when it is turned. Store the images upright, without an orientation. "
            f"{look}"
        )
    section = getattr(config, name)
    changes = {
        "box_order": (declared.order, found.fitting.order),
        "box_unit": (declared.unit, found.fitting.unit),
    }
    keys = {key: new for key, (old, new) in changes.items() if old != new}
    if all(hasattr(section, key) for key in keys) and found.fitting.unit != "fraction_of_square":
        change = "Set " + " and ".join(f"ingest.{name}.{key}: {new}" for key, new in keys.items())
    else:
        change = "This reader knows the published form only; ingest.source: table reads other conventions"
    alike = f" They fit {', '.join(map(_name, found.alike))} as well: find out which." if found.alike else ""
    return (
        f"{name}: boxes are declared as {_name(declared)} but are {_name(found.fitting)}: {numbers} "
        f"as {_name(found.fitting)}. {change}.{alike} {look}"
    )


def _draw(source: Source, config: Ingest, declared: BoxFormat, found: Contradiction) -> bytes:
    shown = (found.fitting, "the image as EXIF turns it") if found.turned else (found.fitting, None)
    titles = f"declared: {_name(declared)}", f"fits: {shown[1] or _name(shown[0])}"
    return draw_disputed(list(_disputed(source, config, declared, found)), titles)


def _disputed(
    source: Source, config: Ingest, declared: BoxFormat, found: Contradiction
) -> Iterator[tuple[Drawn, Drawn, str]]:
    """Rows to draw: of those looked at, such as do not fit as declared first, each of another image."""
    shelf = Shelf(source.name, source.images, config.max_megapixels)
    rows = []
    for row, boxes, image in _rows(source, shelf, declared):
        orientation, extent = (
            shelf.orientations[image],
            (shelf.rows[image]["width"], shelf.rows[image]["height"]),
        )
        if found.turned and orientation < 5:
            continue
        grid = extent[::-1] if found.turned else extent
        numbers = np.array(boxes, np.float64)
        if fit(numbers, found.fitting, np.tile(grid, (len(boxes), 1))).all():
            fits = fit(numbers, declared, np.tile(extent, (len(boxes), 1))).all()
            rows.append((bool(fits), row, boxes, image, extent, grid))
    rows.sort(key=lambda item: item[:2])
    first_of_image = {item[3]: item for item in reversed(rows)}
    for _, row, boxes, image, extent, grid in sorted(first_of_image.values(), key=lambda item: item[:2])[
        :DRAWN
    ]:
        pixels = shelf.pixels(image)
        again = turn(pixels, shelf.orientations[image]) if found.turned else pixels
        yield (
            Drawn(pixels, [geometry.to_pixels(box, declared, *extent) for box in boxes]),
            Drawn(again, [geometry.to_pixels(box, found.fitting, *grid) for box in boxes]),
            f"row {row}: {extent[0]} x {extent[1]} pixels; the numbers are {_short(boxes)}",
        )


def _rows(
    source: Source, shelf: Shelf, declared: BoxFormat
) -> Iterator[tuple[int, list[tuple[float, float, float, float]], str]]:
    """Number, boxes and image id of the first rows of this convention that can be read."""
    looked_at = 0
    for batch in source.batches:
        for annotation in batch.load():
            looked_at += 1
            if isinstance(annotation, Reject) or isinstance(annotation.boxes, ReadyCrops):
                continue
            if annotation.box_format == declared:
                try:
                    boxes = parse_boxes(annotation.boxes)
                    image = shelf.put(single_image(annotation.image), annotation.licence)
                except Rejected:
                    continue
                yield annotation.row, boxes, image["image_id"]
        if looked_at >= LOOKED_AT:
            return


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels as viewers show them by an EXIF orientation of 5 to 8."""
    swapped = pixels.swapaxes(0, 1)
    shown = {5: swapped, 6: swapped[:, ::-1], 7: swapped[::-1, ::-1], 8: swapped[::-1]}
    return np.ascontiguousarray(shown[orientation])


def _short(boxes: Sequence[Sequence[float]]) -> str:
    first = ", ".join(f"{number:.6g}" for number in boxes[0])
    return f"[{first}]" + (f" and {len(boxes) - 1} more" if len(boxes) > 1 else "")
