"""Both evidence views of one sample, as a row of the crops table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xxhash

from vzero import imaging
from vzero.config import Crops
from vzero.crops import half_resolution
from vzero.crops.half_resolution import Window
from vzero.crops.positive import positive_view
from vzero.crops.windows import Extent
from vzero.geometry import Box, sides


@dataclass(frozen=True)
class Picture:
    """A decoded image; its half-resolution copy is made once for all samples that need it."""

    image_id: str
    pixels: np.ndarray

    @property
    def extent(self) -> Extent:
        return self.pixels.shape[1], self.pixels.shape[0]

    @cached_property
    def half(self) -> np.ndarray:
        return imaging.halve(self.pixels)


@dataclass(frozen=True)
class Neighbours:
    """The other images that a negative may be borrowed from: sides by id, and how to open one."""

    extents: Mapping[str, Extent]
    open: Callable[[str], Picture]


def sample_seed(seed: int, sample_id: str) -> int:
    """64 bits that depend on nothing but the run's seed and the sample's id."""
    return xxhash.xxh64_intdigest(f"{seed}:{sample_id}".encode())


def evidence_pair(
    sample_id: str, picture: Picture, evidence_box: Box, neighbours: Neighbours, config: Crops
) -> dict[str, Any]:
    """The sample's row of `tables.Crops`. Both crops have the same pixel size, so the same token count."""
    encode = imaging.encode_png if config.format == "png" else imaging.encode_jpeg
    seed = sample_seed(config.seed, sample_id)
    positive, box = positive_view(picture.pixels, evidence_box, margin=config.margin, upscale=config.upscale)
    size: Extent = box[2] - box[0], box[3] - box[1]
    row = {
        "sample_id": sample_id,
        "positive": encode(positive),
        "width": positive.shape[1],
        "height": positive.shape[0],
        "positive_box": list(box),
        "positive_scale": float(config.upscale),
        "strategy": config.negative,
        "seed": seed,
    }
    found = _find_negative(picture, evidence_box, size, neighbours, config, seed)
    if found is None:
        nothing = dict.fromkeys(["negative", "negative_box", "negative_image_id", "negative_scale"])
        return row | nothing | {"fallback": "none"}
    donor, window = found
    full_box = half_resolution.in_full_resolution(window.box, donor.extent)
    return row | {
        "negative": encode(half_resolution.cut(donor.half, window.box, size, config.upscale)),
        "negative_box": list(full_box),
        "negative_image_id": donor.image_id,
        "negative_scale": size[0] * config.upscale / sides(full_box)[0],
        "fallback": window.fallback,
    }


def _find_negative(
    picture: Picture, evidence_box: Box, size: Extent, neighbours: Neighbours, config: Crops, seed: int
) -> tuple[Picture, Window] | None:
    """A window on the sample's own image, else on another one that is large enough."""
    window = half_resolution.choose_window(
        picture.extent, evidence_box, size, max_overlap=config.max_overlap, seed=seed
    )
    if window is not None:
        return picture, window
    large_enough = sorted(
        image_id
        for image_id, extent in neighbours.extents.items()
        if image_id != picture.image_id and _fits(size, half_resolution.half_extent(*extent))
    )
    if not large_enough:
        return None
    donor = neighbours.open(large_enough[seed % len(large_enough)])
    # Other bits of the seed than those that chose the image.
    return donor, half_resolution.choose_anywhere(donor.extent, size, seed=seed >> 32)


def _fits(window: Extent, grid: Extent) -> bool:
    return window[0] <= grid[0] and window[1] <= grid[1]
