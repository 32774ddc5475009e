"""Boxes: conventions, clipping, margins, overlap. Pure.

A `Box` is xyxy in pixels of an image: x to the right, y down, right and bottom edge exclusive.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Box = tuple[float, float, float, float]
PixelBox = tuple[int, int, int, int]

ROUNDING_SLACK = 1e-4  # pixels; keeps float noise (10.000001) from costing a whole pixel


@dataclass(frozen=True)
class BoxFormat:
    """How a source writes its four numbers. Declared for a whole source, never guessed per row."""

    order: Literal["xyxy", "xywh"] = "xyxy"
    unit: Literal["pixel", "fraction", "thousandth", "fraction_of_square"] = "pixel"
    """Pixels of the image, 0-1 or 0-1000 of its sides, or 0-1 of the square that the image is centred in."""


def to_pixels(numbers: Sequence[float], declared: BoxFormat, width: int, height: int) -> Box:
    """Four numbers of a declared format as a box in pixels of a `width` x `height` image."""
    a, b, c, d = (float(number) for number in numbers)
    if declared.order == "xywh":
        c, d = a + c, b + d
    if declared.unit == "pixel":
        return a, b, c, d
    if declared.unit == "fraction_of_square":
        side, left, top = _square(width, height)
        return a * side - left, b * side - top, c * side - left, d * side - top
    whole = 1.0 if declared.unit == "fraction" else 1000.0
    return a * width / whole, b * height / whole, c * width / whole, d * height / whole


def _square(width: int, height: int) -> tuple[int, int, int]:
    """Side of the smallest square around an image, and the padding to the image's left and top.

    An odd pixel of padding goes to the right or bottom, as in LLaVA.
    """
    side = max(width, height)
    return side, (side - width) // 2, (side - height) // 2


def turn(box: Box, orientation: int, width: int, height: int) -> Box:
    """A box on `width` x `height` stored pixels, on the picture as viewers show it by an EXIF orientation."""
    x1, y1, x2, y2 = box
    if orientation in (2, 3, 7, 8):
        x1, x2 = width - x2, width - x1
    if orientation in (3, 4, 6, 7):
        y1, y2 = height - y2, height - y1
    return (y1, x1, y2, x2) if orientation >= 5 else (x1, y1, x2, y2)


def sides(box: Box) -> tuple[float, float]:
    """Width and height; negative when the corners are swapped."""
    return box[2] - box[0], box[3] - box[1]


def area(box: Box) -> float:
    """Square pixels; 0 for an empty or inverted box."""
    width, height = sides(box)
    return max(width, 0.0) * max(height, 0.0)


def intersection(a: Box, b: Box) -> float:
    """Square pixels that two boxes share."""
    return area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def coverage(box: Box, by: Box) -> float:
    """Share of `box` that lies inside `by`; 0 for an empty box."""
    whole = area(box)
    return intersection(box, by) / whole if whole > 0 else 0.0


def clip(box: Box, width: int, height: int) -> Box:
    """The part of a box inside a `width` x `height` image; empty on its border when there is none."""
    x1, y1, x2, y2 = box
    return (
        min(max(x1, 0.0), width),
        min(max(y1, 0.0), height),
        min(max(x2, 0.0), width),
        min(max(y2, 0.0), height),
    )


def pad(box: Box, margin: float) -> Box:
    """A box grown by `margin` times its own width on the left and right, and its height above and below."""
    dx, dy = (margin * side for side in sides(box))
    return box[0] - dx, box[1] - dy, box[2] + dx, box[3] + dy


def scale(box: Box, x: float, y: float) -> Box:
    """A box on a grid whose axes are `x` and `y` times as long."""
    return box[0] * x, box[1] * y, box[2] * x, box[3] * y


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box that contains all of them. Raises ValueError when there are none."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def round_outward(box: Box) -> PixelBox:
    """The smallest box of whole pixels that contains this one."""
    return (
        math.floor(box[0] + ROUNDING_SLACK),
        math.floor(box[1] + ROUNDING_SLACK),
        math.ceil(box[2] - ROUNDING_SLACK),
        math.ceil(box[3] - ROUNDING_SLACK),
    )
