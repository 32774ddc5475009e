"""Which part of an image to look at, where nobody has said: one strategy a file.

A file NAME.py has a function `place(pixels, side, rng)` that gives the window's left and top. It sees pixels
and a generator whose seed the pixels decide, and nothing else. Nothing lists the files.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

import numpy as np
from xxhash import xxh64_intdigest

from vzero.errors import ConfigError
from vzero.geometry import PixelBox


def strategies() -> list[str]:
    """The names that there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def window_of(pixels: np.ndarray, strategy: str, *, side: int, seed: int, grid: int = 1) -> PixelBox:
    """A square of `side` pixels of an image (height, width, 3), the whole of any axis that is shorter.

    It begins at multiples of `grid` pixels. Raises ConfigError for an unknown strategy.
    """
    if strategy not in strategies():
        raise ConfigError(f"selfplay.windows.strategy: allowed: {', '.join(strategies())}, got {strategy!r}")
    height, width = pixels.shape[:2]
    rng = np.random.default_rng([seed, xxh64_intdigest(np.ascontiguousarray(pixels).tobytes())])
    place = import_module(f"{__name__}.{strategy}").place(pixels, side, rng)
    left, top = (at - at % grid for at in place)
    return left, top, min(left + side, width), min(top + side, height)
