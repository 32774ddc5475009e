"""Red boxes that a data set has drawn around the answer: recognised in the pixels and in the wording.

ZwZ draws them with Pillow, `rectangle(outline="red", width=5)`, around the annotated box grown by 5 % of its
sides, from the border inwards (its data_synthesis/create_vqa.py), and adds a sentence to the question.
Vision-OPD-6K took over both.
"""

from __future__ import annotations

import re

import numpy as np

from vzero import geometry
from vzero.geometry import Box

GROWTH = 0.05  # of the box's sides, on every side
LINE = 5  # pixels wide, the border's own pixel included
RED = np.array([255, 0, 0])
NEAR_RED = 80  # per channel; what JPEG at quality 75 leaves of the line's middle
SAME_COLOUR = 40  # per channel, from the line's median colour
ON_LINE = 0.9  # share of a side's pixels
OFF_LINE = 0.5  # share of the pixels beside the line that may have its colour

HINT = re.compile(
    r"\s*Only focus on the objects inside the red bounding box in the image to answer (this|the) question\.?",
    re.IGNORECASE,
)


def without_hint(problem: str) -> str:
    """The problem without the sentence that points at the red box."""
    return HINT.sub("", problem)


def shows_drawn_box(pixels: np.ndarray, box: Box) -> bool:
    """Whether a red rectangle is drawn around a box of an image.

    `pixels`: RGB, uint8, (height, width, 3). `box`: as annotated, in pixels. On each of the four sides the
    line's middle must be saturated red nearly all along, and the pixels before and behind the line must for
    the most part be of another colour: so a red object, or a red wall behind it, is no drawn box. Of boxes so
    small that the lines leave nothing of the inside, it cannot be told: `False`.
    """
    height, width = pixels.shape[:2]
    left, top, right, bottom = map(int, geometry.clip(geometry.pad(box, GROWTH), width, height))
    inner = pixels[top + LINE + 1 : bottom - LINE, left + LINE + 1 : right - LINE]
    if inner.size == 0:
        return False
    # A pixel of play for boxes that were rounded: the line's three middle pixels.
    lines = [
        np.concatenate([_frame_side(pixels, (left, top, right, bottom), depth)[side] for depth in (1, 2, 3)])
        for side in range(4)
    ]
    if not all(len(line) and _share(line, RED, NEAR_RED) >= ON_LINE for line in lines):
        return False
    colour = np.median(np.concatenate(lines), axis=0)
    outside = np.concatenate(_frame_side(pixels, (left, top, right, bottom), -LINE + 1))
    return (
        _share(outside, colour, SAME_COLOUR) <= OFF_LINE
        and _share(inner.reshape(-1, 3), colour, SAME_COLOUR) <= OFF_LINE
    )


def _frame_side(pixels: np.ndarray, frame: tuple[int, int, int, int], depth: int) -> list[np.ndarray]:
    """Left, top, right and bottom pixels of a frame `depth` pixels further in: (n, 3) each, empty outside."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = frame[0] + depth, frame[1] + depth, frame[2] - depth, frame[3] - depth
    rows = slice(max(top, 0), max(bottom + 1, 0))
    columns = slice(max(left, 0), max(right + 1, 0))
    nothing = pixels[:0, 0]
    return [
        pixels[rows, left] if 0 <= left < width else nothing,
        pixels[top, columns] if 0 <= top < height else nothing,
        pixels[rows, right] if 0 <= right < width else nothing,
        pixels[bottom, columns] if 0 <= bottom < height else nothing,
    ]


def _share(pixels: np.ndarray, colour: np.ndarray, distance: int) -> float:
    """Share of (n, 3) pixels within a distance of a colour in every channel; 0 without pixels."""
    if len(pixels) == 0:
        return 0.0
    return float((np.abs(pixels.astype(int) - colour) <= distance).all(axis=1).mean())
