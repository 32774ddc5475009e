"""What a box cell holds: one box or several, as numbers, lists, dictionaries or text."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

from vzero.untrusted.cells import is_null, parse_literal, shown
from vzero.untrusted.rejects import RejectCode, Rejected

Numbers = tuple[float, float, float, float]

BOX_KEYS = ("bbox", "box", "bbox_2d")
MOST_BOXES = 1000  # of a row; evidence is a few places


def parse_boxes(cell: Any) -> list[Numbers]:
    """Every box of a cell, as four finite numbers each, in the source's own convention.

    Takes a list of four numbers, a list of such lists, a dictionary or a list of dictionaries with a box
    under `bbox`, `box` or `bbox_2d`, a dictionary with a list of boxes there, and JSON or Python text of any
    of these.
    """
    if isinstance(cell, str):
        cell = _parse_text(cell)
    if isinstance(cell, dict):
        inner = _inner(cell)
        several = isinstance(inner, (list, tuple)) and all(isinstance(box, (list, tuple)) for box in inner)
        cell = inner if several else [cell]
    if is_null(cell):
        raise Rejected(RejectCode.MISSING_BOX, "no box")
    if not isinstance(cell, (list, tuple)):
        raise Rejected(RejectCode.BAD_BOX, f"{type(cell).__name__} is no list of numbers")
    if not cell:
        raise Rejected(RejectCode.MISSING_BOX, "an empty list")
    if not isinstance(cell[0], (list, tuple, dict)):
        return [_numbers(cell)]
    if len(cell) > MOST_BOXES:
        raise Rejected(RejectCode.BAD_BOX, f"{len(cell):,} boxes; at most {MOST_BOXES:,} are read")
    return [_numbers(_inner(box)) for box in cell]


def numbers_of_cells(cells: Sequence[Any]) -> list[Any] | None:
    """What several cells hold that should be a number each, as such or as text; None where all are empty."""
    return None if all(is_null(cell) for cell in cells) else [_number(cell) for cell in cells]


def _number(cell: Any) -> Any:
    """The number that a text says; everything else as it is."""
    with contextlib.suppress(ValueError):
        return float(cell) if isinstance(cell, str) else cell
    return cell


def _parse_text(text: str) -> Any:
    text = text.strip()
    if text in ("", "null", "None"):
        return None
    try:
        return parse_literal(text)
    except ValueError as error:
        raise Rejected(RejectCode.BAD_BOX, str(error)) from error


def _inner(box: Any) -> Any:
    if not isinstance(box, dict):
        return box
    found = [box[key] for key in BOX_KEYS if key in box]
    if len(found) != 1:
        raise Rejected(
            RejectCode.BAD_BOX, f"one of {', '.join(BOX_KEYS)} expected, found {shown(list(box)[:9])}"
        )
    return found[0]


def _numbers(box: Any) -> Numbers:
    if not isinstance(box, (list, tuple)) or len(box) != 4:
        raise Rejected(RejectCode.BAD_BOX, f"not four numbers: {shown(box)}")
    for value in box:
        # bool is a number to Python, not to an annotator.
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Rejected(RejectCode.BAD_BOX, f"{shown(value)} is no number")
        if abs(value) > 1e9 or not math.isfinite(value):
            raise Rejected(RejectCode.BAD_BOX, f"{shown(value)} is no coordinate")
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])
