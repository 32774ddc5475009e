"""Where in an image a ready-cut crop is from, found by its pixels.

For sources that hold crops but no boxes. The crop, shrunk to the image's resolution, is looked for in a
reduced image; the best few places are refined at full resolution and checked as crops are made: cut,
enlarged and compared with the crop. Only a close match that no other place comes near counts. Measured on
photos: no crop at a wrong place; those not found show plain sky or the like.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from vzero import imaging
from vzero.geometry import PixelBox
from vzero.ingest.drawn_boxes import LINE
from vzero.sources.annotation import ReadyCrops
from vzero.untrusted.boxes import Numbers
from vzero.untrusted.cells import single_image
from vzero.untrusted.rejects import RejectCode, Rejected

# Differences are in grey levels of 256, root mean square over the crop.
MAX_ERROR = 6.0
MAX_ERROR_OF_CONTRAST = 0.3  # share of the crop's standard deviation; plain surfaces match everywhere
MIN_LEAD = 1.5  # times as far off every other place must be
SMALLEST_SIDE = 16  # pixels of the window in the reduced image; smaller ones look like too many places
LARGEST_DIVISOR = 8
CANDIDATES = 8  # places refined at each resolution
MOST_CROPS = 20  # of a row; each takes up to seconds

Place = tuple[int, int]  # left, top


def locate_crops(ready: ReadyCrops, image: np.ndarray, load: Callable[[str | bytes], bytes]) -> list[Numbers]:
    """Where each ready crop is from, xyxy in pixels of `image`; `load` gives the bytes of a picture."""
    cells = ready.cell if isinstance(ready.cell, (list, tuple)) else [ready.cell]
    if len(cells) > MOST_CROPS:
        raise Rejected(
            RejectCode.CROP_NOT_FOUND, f"{len(cells):,} crops; at most {MOST_CROPS} are looked for"
        )
    boxes = []
    for cell in cells:
        try:
            crop = imaging.decode(load(single_image(cell)))
        except imaging.ImageError as error:
            raise Rejected(RejectCode(error.code), f"the ready crop: {error.detail}") from error
        boxes.append(_locate_despite_line(crop, image, ready.scale))
    return boxes


def _locate_despite_line(crop: np.ndarray, image: np.ndarray, scale: int) -> PixelBox:
    """`locate`, and if that fails without the border, which a line around the evidence may cover."""
    try:
        return locate(crop, image, scale)
    except Rejected as rejected:
        height, width = crop.shape[:2]
        border = LINE * scale
        inner = crop[border : height - border, border : width - border]
        if rejected.code != RejectCode.CROP_NOT_FOUND or inner.size == 0:
            raise
        with contextlib.suppress(Rejected):
            left, top, right, bottom = locate(inner, image, scale)
            return left - LINE, top - LINE, right + LINE, bottom + LINE
        raise


def locate(crop: np.ndarray, image: np.ndarray, scale: int) -> PixelBox:
    """The window of `image` that `crop` shows `scale` times enlarged. Both are RGB, (height, width, 3).

    Raises Rejected when there is no such window, or when several cannot be told apart.
    """
    search = _Search(crop, image, scale)
    width, height = search.window
    if (width * scale, height * scale) != crop.shape[1::-1]:
        what = f"sides {crop.shape[1::-1]} are no multiples of {scale}"
        raise Rejected(RejectCode.CROP_NOT_FOUND, what)
    if width > image.shape[1] or height > image.shape[0]:
        raise Rejected(RejectCode.CROP_NOT_FOUND, "larger than its image")
    limit = min(MAX_ERROR, MAX_ERROR_OF_CONTRAST * float(search.grey_crop.std()))
    nearest = []
    for divisor in _divisors(min(width, height)):
        best, *others = search.candidates(divisor)
        error = search.error(best)
        if error > limit:
            nearest.append(error)
            continue
        for other in [place for place in others if search.apart(place, best)][:1]:
            if search.error(other) <= MIN_LEAD * error:
                raise Rejected(RejectCode.CROP_AMBIGUOUS, f"fits at {best} and at {other} (left, top)")
        x, y = min(search.around(best), key=search.error)
        return x, y, x + width, y + height
    what = f"the nearest place is {min(nearest):.1f} grey levels off, allowed are {limit:.1f}"
    raise Rejected(RejectCode.CROP_NOT_FOUND, what)


def _divisors(side: int) -> list[int]:
    """Powers of two to reduce by, largest first: as far as the window keeps `SMALLEST_SIDE`, down to 1."""
    divisors = [1]
    while divisors[0] < LARGEST_DIVISOR and side // (2 * divisors[0]) >= SMALLEST_SIDE:
        divisors.insert(0, 2 * divisors[0])
    return divisors


@dataclass(frozen=True)
class _Search:
    crop: np.ndarray
    image: np.ndarray
    scale: int

    @property
    def window(self) -> tuple[int, int]:
        """Width and height of the crop in pixels of the image."""
        return self.crop.shape[1] // self.scale, self.crop.shape[0] // self.scale

    @cached_property
    def grey_crop(self) -> np.ndarray:
        return cv2.cvtColor(self.crop, cv2.COLOR_RGB2GRAY)

    @cached_property
    def grey_image(self) -> np.ndarray:
        return cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY)

    @cached_property
    def grey_window(self) -> np.ndarray:
        """About what was in the image where the crop was cut; the area average undoes the enlargement."""
        return _reduce(self.grey_crop, self.scale)

    def around(self, place: Place) -> list[Place]:
        """The place and its neighbours inside the image."""
        (x, y), (width, height) = place, self.window
        columns = range(max(x - 1, 0), min(x + 1, self.image.shape[1] - width) + 1)
        rows = range(max(y - 1, 0), min(y + 1, self.image.shape[0] - height) + 1)
        return [(column, row) for column in columns for row in rows]

    def apart(self, one: Place, other: Place) -> bool:
        """Whether two places are not about the same one."""
        width, height = self.window
        return abs(one[0] - other[0]) >= width / 2 or abs(one[1] - other[1]) >= height / 2

    def error(self, place: Place) -> float:
        """How far the crop is from the same cut at this place. Grey, as JPEG keeps colours at half sides."""
        (x, y), (width, height) = place, self.window
        cut = imaging.enlarge(self.image[y : y + height, x : x + width], self.scale)
        grey = cv2.cvtColor(np.ascontiguousarray(cut), cv2.COLOR_RGB2GRAY)
        return float(np.sqrt(np.mean(np.square(grey.astype(np.float32) - self.grey_crop))))

    def candidates(self, divisor: int) -> list[Place]:
        """The places nearest in an image reduced by `divisor`, refined at full resolution, nearest first."""
        window = _reduce(self.grey_window, divisor)
        distances = cv2.matchTemplate(_reduce(self.grey_image, divisor), window, cv2.TM_SQDIFF)
        reach_x, reach_y = (max(side // 2, 1) for side in window.shape[1::-1])
        found = []
        for _ in range(CANDIDATES):
            least, _, (x, y), _ = cv2.minMaxLoc(distances)
            if np.isinf(least):
                break
            found.append(self._refine((x * divisor, y * divisor), 2 * divisor))
            rows = slice(max(y - reach_y, 0), y + reach_y + 1)
            distances[rows, max(x - reach_x, 0) : x + reach_x + 1] = np.inf
        return [place for _, place in sorted(found)]

    def _refine(self, place: Place, reach: int) -> tuple[float, Place]:
        """The nearest place at full resolution, at most `reach` pixels away, after its squared distance."""
        width, height = self.window
        left, top = (max(start - reach, 0) for start in place)
        right, bottom = place[0] + width + reach, place[1] + height + reach
        # At the border a reduced place may lie a little outside.
        left = min(left, self.image.shape[1] - width)
        top = min(top, self.image.shape[0] - height)
        around = self.grey_image[top:bottom, left:right]
        distances = cv2.matchTemplate(around, self.grey_window, cv2.TM_SQDIFF)
        distance, _, (x, y), _ = cv2.minMaxLoc(distances)
        return distance, (left + x, top + y)


def _reduce(grey: np.ndarray, divisor: int) -> np.ndarray:
    """Averages of squares of `divisor` pixels a side, so that a multiple of it stays on the grid."""
    if divisor == 1:
        return grey
    width, height = grey.shape[1] // divisor, grey.shape[0] // divisor
    whole = grey[: height * divisor, : width * divisor]
    return cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
