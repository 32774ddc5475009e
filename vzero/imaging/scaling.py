"""Pixels larger and smaller, with OpenCV."""

from __future__ import annotations

import cv2
import numpy as np

SMALLEST_HALVED_BY_PARTS = 4  # pixels a side; below, cells are of other kinds
NEGLIGIBLE = 1e-3  # share of a pixel that OpenCV leaves out


def enlarge(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Pixels with both sides `factor` times as long (Lanczos)."""
    if factor == 1:
        return pixels
    return resize(pixels, pixels.shape[1] * factor, pixels.shape[0] * factor)


def resize(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Pixels at exactly `width` x `height` (Lanczos)."""
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LANCZOS4)


def reduce(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Fewer pixels, `width` x `height` (area average)."""
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def halve(pixels: np.ndarray) -> np.ndarray:
    """Pixels at half resolution (area average); sides round down, to no less than one pixel."""
    height, width = pixels.shape[:2]
    return cv2.resize(pixels, (max(width // 2, 1), max(height // 2, 1)), interpolation=cv2.INTER_AREA)


def halve_part(pixels: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """`halve(pixels)` inside `box` (x1, y1, x2, y2 of the halved grid), the same bytes, without the rest.

    With even sides a halved pixel is the mean of four. With an odd one the cells are a little wider than two
    pixels; halving all of such a large image takes longer than decoding it.
    """
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = box
    if min(width, height) < SMALLEST_HALVED_BY_PARTS:
        return halve(pixels)[y1:y2, x1:x2]
    if width % 2 == 0 and height % 2 == 0:
        return halve(pixels[2 * y1 : 2 * y2, 2 * x1 : 2 * x2])
    across, down = _cell_shares(width, x1, x2), _cell_shares(height, y1, y2)
    source = pixels[2 * y1 : 2 * y2 + 1, 2 * x1 : 2 * x2 + 1]
    planes = np.ascontiguousarray(np.moveaxis(source, 2, 0), np.float32)
    # In OpenCV's order, so that sums round alike: from left to right, then from top to bottom.
    lines = _add_up([planes[..., tap : 2 * (x2 - x1) - 1 + tap : 2] for tap in range(len(across))], across)
    taps = [lines[:, tap : 2 * (y2 - y1) - 1 + tap : 2] for tap in range(len(down))]
    halved = _add_up(taps, down[..., None])
    return np.ascontiguousarray(np.moveaxis(np.rint(halved), 0, 2), np.uint8)


def _cell_shares(side: int, start: int, stop: int) -> np.ndarray:
    """Shares of the pixels 2 i, 2 i + 1 and, of an odd side, 2 i + 2 in halved pixel i: (2 or 3, n)."""
    place = np.arange(start, stop)
    scale = side / (side // 2)
    begins = place * scale
    if side % 2 == 0:
        return np.full((2, stop - start), 0.5, np.float32)
    shares = np.stack(
        [2 * place + 1 - begins, np.ones(stop - start), np.minimum(begins + scale - 2 * place - 2, 1)]
    )
    return (np.where(shares > NEGLIGIBLE, shares, 0) / np.minimum(scale, side - begins)).astype(np.float32)


def _add_up(taps: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    total = taps[0] * shares[0]
    for tap, share in zip(taps[1:], shares[1:], strict=True):
        total += tap * share
    return total
