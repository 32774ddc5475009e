"""What every strategy for negative views is given, and what it gives back.

A strategy is a module with one function `negative_views(request)`: different negative views of one sample,
at most one for each seed; an empty list where it cannot make any. The same request gives the same views.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vzero import imaging
from vzero.config import Crops
from vzero.crops.positive import positive_box
from vzero.crops.windows import Extent
from vzero.geometry import Box, PixelBox

Divisor = Literal[1, 2]  # full or half resolution
Fallback = Literal[
    "exact", "shrunk", "finer", "overlap", "other_image"
]  # meanings: vzero.tables.Crops.fallback


@dataclass(frozen=True)
class Picture:
    """A decoded image."""

    image_id: str
    pixels: np.ndarray

    @property
    def extent(self) -> Extent:
        return self.pixels.shape[1], self.pixels.shape[0]

    def part(self, box: PixelBox, divisor: Divisor) -> np.ndarray:
        """The pixels of a box of the grid at full or at half resolution."""
        if divisor == 2:
            return imaging.halve_part(self.pixels, box)
        x1, y1, x2, y2 = box
        return self.pixels[y1:y2, x1:x2]


@dataclass(frozen=True)
class Neighbours:
    """The other images that a negative may be borrowed from: sides by id, and how to open one."""

    extents: Mapping[str, Extent]
    open: Callable[[str], Picture]

    def without(self, image_ids: Collection[str]) -> Neighbours:
        """Those but for some images."""
        if not image_ids:
            return self
        kept = {name: extent for name, extent in self.extents.items() if name not in image_ids}
        return Neighbours(kept, self.open)


def _nobody(image_id: str) -> Picture:
    raise KeyError(image_id)


NO_NEIGHBOURS = Neighbours({}, _nobody)


@dataclass(frozen=True)
class NegativeView:
    pixels: np.ndarray  # RGB, as stored
    image_id: str  # where it was taken from
    box: Box | None  # in pixels of that image at full resolution; None: no place of it is shown
    scale: float | None  # view pixels per image pixel; None with `box`
    fallback: Fallback
    full_image: np.ndarray | None = None  # shown instead of the sample's image; None: that one


@dataclass(frozen=True)
class Request:
    """One sample, its positive view and one seed for every negative view that is asked for."""

    picture: Picture
    evidence_box: Box  # in pixels of the picture
    positive: np.ndarray  # RGB, enlarged `config.upscale` times
    positive_box: PixelBox
    neighbours: Neighbours
    config: Crops
    seeds: Sequence[int]

    @property
    def window(self) -> Extent:
        """Sides of the positive crop in pixels of the picture."""
        x1, y1, x2, y2 = self.positive_box
        return x2 - x1, y2 - y1

    @property
    def evidence_pixels(self) -> PixelBox:
        """The whole pixels of the picture that hold any of the evidence."""
        return positive_box(self.evidence_box, *self.picture.extent, margin=0)

    def in_crop(self, box: PixelBox) -> tuple[slice, slice]:
        """Rows and columns of a box of the picture in the positive crop before it is enlarged."""
        left, top = self.positive_box[:2]
        return slice(box[1] - top, box[3] - top), slice(box[0] - left, box[2] - left)

    def crop(self) -> np.ndarray:
        """A copy of the positive crop before it is enlarged, to be changed."""
        x1, y1, x2, y2 = self.positive_box
        return self.picture.pixels[y1:y2, x1:x2].copy()

    def at_positive(self, pixels: np.ndarray, full_image: np.ndarray | None = None) -> NegativeView:
        """A view that shows the positive's own place otherwise."""
        x1, y1, x2, y2 = self.positive_box
        scale = pixels.shape[1] / self.window[0]
        return NegativeView(pixels, self.picture.image_id, (x1, y1, x2, y2), scale, "exact", full_image)


Strategy = Callable[[Request], list[NegativeView]]
