"""Anywhere, equally likely."""

from __future__ import annotations

import numpy as np


def place(pixels: np.ndarray, side: int, rng: np.random.Generator) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    left, top = (int(rng.integers(max(length - side, 0) + 1)) for length in (width, height))
    return left, top
