"""The positive evidence view: the evidence box with a margin, cut from the image at full resolution.

The same cut makes the crops of the `crops` stage and the crops that benchmarks show to the teacher.
"""

from __future__ import annotations

import numpy as np

from vzero import geometry, imaging
from vzero.config import Crops
from vzero.geometry import Box, PixelBox


def positive_box(
    evidence_box: Box, width: int, height: int, *, margin: float, min_side: int | None = None
) -> PixelBox:
    """The evidence box with its margin, in whole pixels inside the image.

    `margin` is the share of the box's sides added on every side. At least one pixel wide and high, and
    `min_side` where the image is: a shorter side grows equally to both ends, or away from the image's border.
    """
    padded = geometry.clip(geometry.pad(evidence_box, margin), width, height)
    x1, y1, x2, y2 = geometry.round_outward(padded)
    x1, y1 = min(x1, width - 1), min(y1, height - 1)
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
    if min_side is not None:
        x1, x2 = _widened(x1, x2, min(min_side, width), width)
        y1, y2 = _widened(y1, y2, min(min_side, height), height)
    return x1, y1, x2, y2


def _widened(start: int, stop: int, side: int, limit: int) -> tuple[int, int]:
    """Start and stop of at least `side` pixels round these, between 0 and `limit`; an odd one at the stop."""
    missing = side - (stop - start)
    if missing <= 0:
        return start, stop
    start = min(max(start - missing // 2, 0), limit - side)
    return start, start + side


def positive_view(image: np.ndarray, evidence_box: Box, config: Crops) -> tuple[np.ndarray, PixelBox]:
    """RGB pixels of the evidence, enlarged `config.upscale` times (Lanczos), and the box that was cut.

    `evidence_box` is in pixels of `image` (height, width, 3); the crop's sides are `upscale` times the
    returned box's.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = positive_box(evidence_box, width, height, margin=config.margin, min_side=config.min_side)
    return imaging.enlarge(image[y1:y2, x1:x2], config.upscale), (x1, y1, x2, y2)
