"""The size to which image processors of Qwen2-VL and Qwen2.5-VL bring a picture: what their boxes are on."""

from __future__ import annotations

import math

from vzero.config import Resized


def resized(extent: tuple[int, int], bounds: Resized) -> tuple[int, int]:
    """Sides in multiples of `bounds.multiple`, with as many pixels as the bounds allow, width first.

    As `smart_resize` of transformers (models/qwen2_vl/image_processing_pil_qwen2_vl.py).
    """
    multiple, sides = bounds.multiple, extent
    rounded = [max(multiple, round(side / multiple) * multiple) for side in sides]
    pixels = sides[0] * sides[1]
    if math.prod(rounded) > bounds.max_pixels:
        factor = math.sqrt(pixels / bounds.max_pixels)
        rounded = [max(multiple, math.floor(side / factor / multiple) * multiple) for side in sides]
    elif math.prod(rounded) < bounds.min_pixels:
        factor = math.sqrt(bounds.min_pixels / pixels)
        rounded = [math.ceil(side * factor / multiple) * multiple for side in sides]
    return rounded[0], rounded[1]
