"""Red boxes that a data set has drawn around the answer: recognised in the pixels.

ZwZ draws them with Pillow, `rectangle(outline="red", width=5)`, around the annotated box grown by 5 % of its
sides, from the border inwards (its data_synthesis/create_vqa.py), and adds a sentence to the question
(`vzero.sources.zwz`). Vision-OPD-6K took over both.
"""

from __future__ import annotations

import numpy as np

from vzero import geometry
from vzero.geometry import Box

GROWTH = 0.05  # of the box's sides, on every side
LINE = 5  # pixels wide, the border's own pixel included
RED = np.array([255, 0, 0])
SAME_COLOUR = 40  # per channel; of the line's median from pure red, and of a pixel from that median
REDDISH = 60  # that red exceeds green and blue by; JPEG mixes what is beside the line into it
ON_LINE = 0.9  # least share of the pixels of each side's line that are reddish
OUTSIDE = 0.5  # largest share of the pixels around the lines that have their colour
INSIDE = 0.9  # the same for the pixels between them: a red thing may be there, if it leaves the corners
SAMPLED = 200  # rows and columns of the inside, about


def shows_drawn_box(pixels: np.ndarray, box: Box) -> bool:
    """Whether a red rectangle is drawn around a box of an image.

    `pixels`: RGB, uint8, (height, width, 3). `box`: as annotated, in pixels. On each of the four sides the
    line's middle must be red nearly all along, and saturated on the whole, and what lies around the lines and
    between them must not have their colour everywhere: so a red object, or a red wall behind it, is no drawn
    box. Lines around a box of a dozen pixels leave nothing between them: there a red square counts as one.
    """
    height, width = pixels.shape[:2]
    left, top, right, bottom = map(int, geometry.clip(geometry.pad(box, GROWTH), width, height))
    inner = pixels[top + LINE + 1 : bottom - LINE, left + LINE + 1 : right - LINE]
    inner = inner[:: max(inner.shape[0] // SAMPLED, 1), :: max(inner.shape[1] // SAMPLED, 1)]
    # A pixel of play for boxes that were rounded: the line's three middle pixels.
    lines = [
        np.concatenate([_frame_side(pixels, (left, top, right, bottom), depth)[side] for depth in (1, 2, 3)])
        for side in range(4)
    ]
    if not all(_reddish_share(line) >= ON_LINE for line in lines):
        return False
    colour = np.median(np.concatenate(lines), axis=0)
    if np.abs(colour - RED).max() > SAME_COLOUR:
        return False
    outside = np.concatenate(_frame_side(pixels, (left, top, right, bottom), 1 - LINE))
    return _share(outside, colour) <= OUTSIDE and _share(inner.reshape(-1, 3), colour) <= INSIDE


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


def _reddish_share(pixels: np.ndarray) -> float:
    """Share of (n, 3) pixels that are more red than anything else; 0 without pixels."""
    if len(pixels) == 0:
        return 0.0
    channels = pixels.astype(int)
    return float((channels[:, 0] - channels[:, 1:].max(axis=1) >= REDDISH).mean())


def _share(pixels: np.ndarray, colour: np.ndarray) -> float:
    """Share of (n, 3) pixels of a colour; 0 without pixels."""
    if len(pixels) == 0:
        return 0.0
    return float((np.abs(pixels.astype(int) - colour) <= SAME_COLOUR).all(axis=1).mean())
