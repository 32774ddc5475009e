"""Both evidence views of one sample, as a row of the crops table."""

from __future__ import annotations

from typing import Any

import xxhash

from vzero import imaging
from vzero.config import Crops
from vzero.crops import (
    blank,
    blurred,
    downsampled,
    half_resolution,
    masked,
    other_image,
    same_resolution,
    windows,
)
from vzero.crops.positive import positive_box, positive_view
from vzero.crops.strategy import Neighbours, Picture, Request, Strategy
from vzero.geometry import Box, PixelBox

STRATEGIES: dict[str, Strategy] = {
    "half_resolution": half_resolution.negative_views,
    "same_resolution": same_resolution.negative_views,
    "other_image": other_image.negative_views,
    "masked": masked.negative_views,
    "blurred": blurred.negative_views,
    "blank": blank.negative_views,
    "downsampled": downsampled.negative_views,
}
"""By their name in `crops.negative`."""


def sample_seed(seed: int, sample_id: str) -> int:
    """64 bits that depend on nothing but the run's seed and the sample's id."""
    return xxhash.xxh64_intdigest(f"{seed}:{sample_id}".encode())


def view_seeds(seed: int, count: int) -> list[int]:
    """Seeds of a sample's negative views: the sample's own, and `count` - 1 derived from it."""
    derived = [xxhash.xxh64_intdigest(f"{seed}:{number}".encode()) for number in range(1, count)]
    return [seed, *derived]


def _anywhere(picture: Picture, evidence_box: Box, seed: int) -> PixelBox:
    """A window of the evidence's size at a random place of the picture, which may touch the evidence."""
    left, top, right, bottom = positive_box(evidence_box, *picture.extent, margin=0)
    window = right - left, bottom - top
    number = xxhash.xxh64_intdigest(f"{seed}:place".encode())
    x, y = windows.pick(windows.all_positions(picture.extent, window), number)
    return x, y, x + window[0], y + window[1]


def evidence_pair(
    sample_id: str, picture: Picture, evidence_box: Box, neighbours: Neighbours, config: Crops
) -> dict[str, Any]:
    """The sample's row of `tables.Crops`."""
    seed = sample_seed(config.seed, sample_id)
    if config.positive == "random":
        evidence_box = _anywhere(picture, evidence_box, seed)
    positive, box = positive_view(picture.pixels, evidence_box, config)
    seeds = view_seeds(seed, config.negative_count)
    request = Request(picture, evidence_box, positive, box, neighbours, config, seeds)
    views = STRATEGIES[config.negative](request)
    row = {
        "sample_id": sample_id,
        "positive": imaging.encode(positive, config.format),
        "width": positive.shape[1],
        "height": positive.shape[0],
        "positive_box": list(box),
        "positive_scale": float(config.upscale),
        "strategy": config.negative,
        "more_negatives": [imaging.encode(view.pixels, config.format) for view in views[1:]],
        "seed": seed,
    }
    if not views:
        absent = ["negative", "negative_image", "negative_box", "negative_image_id", "negative_scale"]
        return row | dict.fromkeys(absent) | {"fallback": "none"}
    first = views[0]
    return row | {
        "negative": imaging.encode(first.pixels, config.format),
        "negative_image": None
        if first.full_image is None
        else imaging.encode(first.full_image, config.format),
        "negative_box": None if first.box is None else list(first.box),
        "negative_image_id": first.image_id,
        "negative_scale": first.scale,
        "fallback": first.fallback,
    }
