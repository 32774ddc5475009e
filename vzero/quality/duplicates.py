"""Images that nearly repeat another one, by the perceptual hashes that `ingest` stored.

Images with the same bytes are one row already. Hashes of mostly flat pictures tell nothing
(`contamination.informative`) and are left out.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from vzero.evaluate.contamination import close_pairs, informative

BLOCK = 512  # images compared with all others at once; bounds the pairs that are held


def nearest(hashes: np.ndarray, distance: int) -> tuple[np.ndarray, np.ndarray]:
    """Each hash's nearest other within `distance` bits: its position and the bits, both (N,) int64.

    `hashes` is (N,) uint64. Of several equally near the first counts; -1 twice where none is near. The time
    grows with N².
    """
    partners, bits = np.full(len(hashes), -1), np.full(len(hashes), -1)
    for start in range(0, len(hashes), BLOCK):
        lefts, rights, found = close_pairs(hashes[start : start + BLOCK], hashes, distance)
        others = lefts + start != rights
        lefts, rights, found = lefts[others] + start, rights[others], found[others]
        order = np.lexsort((rights, found, lefts))
        ones, first = np.unique(lefts[order], return_index=True)
        partners[ones], bits[ones] = rights[order][first], found[order][first]
    return partners, bits


def near_duplicates(images: pl.DataFrame, distance: int) -> pl.DataFrame:
    """Images with another one within `distance` bits: source, image_id, other_id, distance, nearest first.

    `images` has the columns image_id, source and perceptual_hash of `tables.Images`.
    """
    telling = images.filter(pl.Series(informative(images["perceptual_hash"].to_numpy()))).sort("image_id")
    partners, bits = nearest(telling["perceptual_hash"].to_numpy(), distance)
    near = telling.select("source", "image_id").with_columns(
        other_id=telling["image_id"].gather(partners.clip(min=0)),
        distance=pl.Series(bits, dtype=pl.Int64),
    )
    return near.filter(pl.col("distance") >= 0).sort("distance", "image_id")
