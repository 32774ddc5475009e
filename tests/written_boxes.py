"""Boxes as data sets write them, from the pixels that they mean: what `geometry.to_pixels` undoes."""

from __future__ import annotations

from vzero.geometry import Box, BoxFormat


def written(box: Box, declared: BoxFormat, width: int, height: int) -> Box:
    """The numbers that say a box of pixels in a format, on an image of this size."""
    x1, y1, x2, y2 = box
    if declared.unit == "fraction_of_square":
        side = max(width, height)
        left, top = (side - width) // 2, (side - height) // 2
        x1, y1, x2, y2 = (x1 + left) / side, (y1 + top) / side, (x2 + left) / side, (y2 + top) / side
    elif declared.unit != "pixel":
        whole = 1.0 if declared.unit == "fraction" else 1000.0
        x1, x2 = x1 * whole / width, x2 * whole / width
        y1, y2 = y1 * whole / height, y2 * whole / height
    return (x1, y1, x2 - x1, y2 - y1) if declared.order == "xywh" else (x1, y1, x2, y2)
