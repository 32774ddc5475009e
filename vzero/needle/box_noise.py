"""Boxes as a careless annotator leaves them: some in a wrong place, and every edge a little off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vzero import geometry
from vzero.config import NeedleSource
from vzero.crops.windows import all_positions, disjoint_positions, pick
from vzero.geometry import PixelBox

SMALLEST = 8  # pixels a side that jitter leaves


def noisy_boxes(
    rng: np.random.Generator, boxes: Sequence[PixelBox], side: int, noise: NeedleSource
) -> tuple[PixelBox, ...]:
    """The boxes of one sample in a square scene of `side` pixels, with the noise that is asked for.

    A sample's boxes are moved together or not at all; each goes where it shares no pixel with any of them, or
    anywhere where the scene has no such place.
    """
    if rng.random() < noise.moved_boxes:
        target = geometry.round_outward(geometry.union(boxes))
        boxes = [_moved(rng, box, target, side) for box in boxes]
    return tuple(_jittered(rng, box, side, noise.box_jitter) for box in boxes)


def _moved(rng: np.random.Generator, box: PixelBox, target: PixelBox, side: int) -> PixelBox:
    window = box[2] - box[0], box[3] - box[1]
    places = disjoint_positions((side, side), window, target) or all_positions((side, side), window)
    left, top = pick(places, int(rng.integers(2**63)))
    return left, top, left + window[0], top + window[1]


def _jittered(rng: np.random.Generator, box: PixelBox, side: int, jitter: float) -> PixelBox:
    if not jitter:
        return box
    starts, ends = np.array(box[:2], float), np.array(box[2:], float)
    spread = jitter * (ends - starts)
    starts, ends = (np.clip(edge + rng.normal(0.0, spread), 0, side).round() for edge in (starts, ends))
    starts = np.minimum(starts, side - SMALLEST)
    ends = np.maximum(ends, starts + SMALLEST)
    return int(starts[0]), int(starts[1]), int(ends[0]), int(ends[1])
