"""The perceptual hash of pixels, by which near-duplicates are known."""

from __future__ import annotations

import math

import cv2
import numpy as np

HASHED_ROWS = 256  # of an image, or up to twice as many: each of 8 bands has at least 32
SMALLEST_HASHED_BY_SUMS = 32  # pixels a side; cells of less than a pixel are none


def difference_hash(pixels: np.ndarray) -> int:
    """64-bit perceptual hash: whether grey gets brighter from cell to cell of a 9 x 8 grid, row by row.

    Of RGB pixels, or of brightness alone. Near-duplicates (re-encoded, resized) differ in few bits. Of large
    images some rows stand for all.
    """
    rows = pixels[:: max(len(pixels) // HASHED_ROWS, 1)]
    grey = rows if rows.ndim == 2 else cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY)
    if min(grey.shape) < SMALLEST_HASHED_BY_SUMS:
        grid = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    else:  # the same means; OpenCV's own way takes half as long as decoding
        grid = np.rint(_band_means(_band_means(grey, 8).T, 9).T)
    brighter = grid[:, 1:] > grid[:, :-1]
    return int.from_bytes(np.packbits(brighter).tobytes(), "big")


def _band_means(values: np.ndarray, count: int) -> np.ndarray:
    """Column means (count, width) of `count` equally high bands of (height, width); edges count in part."""
    values = np.ascontiguousarray(values)
    high = len(values) / count
    depth = cv2.CV_32S if values.dtype == np.uint8 else cv2.CV_64F
    means = []
    for number in range(count):
        top, bottom = number * high, min((number + 1) * high, len(values))
        first, last = math.ceil(top), math.floor(bottom)
        total = cv2.reduce(values[first:last], 0, cv2.REDUCE_SUM, dtype=depth)[0].astype(np.float64)
        if first > top:
            total += (first - top) * values[first - 1]
        if bottom > last:
            total += (bottom - last) * values[last]
        means.append(total / high)
    return np.stack(means)
