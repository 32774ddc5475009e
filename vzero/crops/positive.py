"""The positive evidence view: the evidence box with a margin, cut from the image at full resolution.

The same cut makes the crops of the `crops` stage and the crops that benchmarks show to the teacher.
"""

from __future__ import annotations

import numpy as np

from vzero import geometry, imaging
from vzero.geometry import Box, PixelBox


def positive_box(evidence_box: Box, width: int, height: int, *, margin: float) -> PixelBox:
    """The evidence box with its margin, in whole pixels inside the image.

    `margin` is the share of the box's sides added on every side. At least one pixel wide and high.
    """
    padded = geometry.clip(geometry.pad(evidence_box, margin), width, height)
    x1, y1, x2, y2 = geometry.round_outward(padded)
    x1, y1 = min(x1, width - 1), min(y1, height - 1)
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)


def positive_view(
    image: np.ndarray, evidence_box: Box, *, margin: float, upscale: int
) -> tuple[np.ndarray, PixelBox]:
    """RGB pixels of the evidence, enlarged `upscale` times (Lanczos), and the box that was cut.

    `evidence_box` is in pixels of `image` (height, width, 3); the crop's sides are `upscale` times the
    returned box's.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = positive_box(evidence_box, width, height, margin=margin)
    return imaging.enlarge(image[y1:y2, x1:x2], upscale), (x1, y1, x2, y2)
