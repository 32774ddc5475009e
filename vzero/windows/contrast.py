"""Where there is much to see: places are the likelier the more edges their window holds."""

from __future__ import annotations

import cv2
import numpy as np

SHARPNESS = 4  # power of a window's edges that its likelihood goes by
STEPS = 16  # places along an axis


def place(pixels: np.ndarray, side: int, rng: np.random.Generator) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    lefts, tops = (_places(length, side) for length in (width, height))
    sums = cv2.integral(_edges(pixels))
    inside = [
        [_sum(sums, left, top, min(left + side, width), min(top + side, height)) for left in lefts]
        for top in tops
    ]
    weights = np.asarray(inside).ravel() ** SHARPNESS
    total = weights.sum()
    chosen = int(rng.choice(len(weights), p=weights / total if total else None))
    return lefts[chosen % len(lefts)], tops[chosen // len(lefts)]


def _places(length: int, side: int) -> list[int]:
    return np.unique(np.linspace(0, max(length - side, 0), STEPS).astype(int)).tolist()


def _edges(pixels: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))


def _sum(sums: np.ndarray, left: int, top: int, right: int, bottom: int) -> float:
    return float(sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left])
