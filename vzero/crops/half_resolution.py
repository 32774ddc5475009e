"""The paper's negative evidence view (arXiv 2606.25319, section 3; fallbacks are ours).

The full image at half resolution, and in it a window of exactly the positive's pixel size that does not
touch the target: it differs from the positive in relevance and in detail, and costs the same tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vzero import geometry, imaging
from vzero.crops import windows
from vzero.crops.windows import Extent
from vzero.geometry import Box, PixelBox

MIN_SHRUNK_SIDE = 8  # half-resolution pixels; a smaller window holds nothing to look at


@dataclass(frozen=True)
class Window:
    """A place on the half-resolution grid, and which rule found it."""

    box: PixelBox
    fallback: Literal["exact", "shrunk", "overlap", "other_image"]


def half_extent(width: int, height: int) -> Extent:
    """Sides of the half-resolution image, as `imaging.halve` makes them."""
    return max(width // 2, 1), max(height // 2, 1)


def choose_window(
    image: Extent, evidence_box: Box, window: Extent, *, max_overlap: float, seed: int
) -> Window | None:
    """A window of sides `window` off the evidence, uniform over all positions that a rule allows.

    The first rule that allows any decides: `exact` does not touch the evidence, `shrunk` is the largest
    window of the same aspect that does not, `overlap` touches it with at most `max_overlap` of its area.
    `evidence_box` is in pixels of the image, of sides `image`. `None` when no rule allows a window.
    """
    grid = half_extent(*image)
    # A half-resolution pixel that mixes in any pixel of the evidence belongs to the target.
    target = geometry.round_outward(geometry.scale(evidence_box, grid[0] / image[0], grid[1] / image[1]))
    if positions := windows.disjoint_positions(grid, window, target):
        return Window(_place(windows.pick(positions, seed), window), "exact")
    smaller = windows.largest_disjoint(grid, window, target)
    if min(smaller) >= MIN_SHRUNK_SIDE:
        positions = windows.disjoint_positions(grid, smaller, target)
        return Window(_place(windows.pick(positions, seed), smaller), "shrunk")
    if places := windows.overlapping_positions(grid, window, target, max_overlap):
        return Window(_place(places[seed % len(places)], window), "overlap")
    return None


def choose_anywhere(image: Extent, window: Extent, *, seed: int) -> Window:
    """A window on an image that has no target; it must fit."""
    positions = windows.all_positions(half_extent(*image), window)
    return Window(_place(windows.pick(positions, seed), window), "other_image")


def cut(half: np.ndarray, box: PixelBox, window: Extent, upscale: int) -> np.ndarray:
    """RGB pixels of a window of the half-resolution image, at `upscale` times the sides of `window`."""
    x1, y1, x2, y2 = box
    return imaging.resize(half[y1:y2, x1:x2], window[0] * upscale, window[1] * upscale)


def in_full_resolution(box: PixelBox, image: Extent) -> Box:
    """A half-resolution box in pixels of the full image."""
    grid = half_extent(*image)
    return geometry.scale(box, image[0] / grid[0], image[1] / grid[1])


def _place(corner: tuple[int, int], window: Extent) -> PixelBox:
    return corner[0], corner[1], corner[0] + window[0], corner[1] + window[1]
