"""Images that nearly repeat another one, by the perceptual hashes that `ingest` stored.

Images with the same bytes are one row already. Hashes of mostly flat pictures tell nothing
(`overlaps.informative`) and are left out.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from vzero.likeness.overlaps import informative
from vzero.likeness.pairs import close_pairs


def nearest(hashes: np.ndarray, distance: int) -> tuple[np.ndarray, np.ndarray]:
    """Each hash's nearest other within `distance` bits: its position and the bits, both (N,) int64.

    `hashes` is (N,) uint64. Of several equally near the first counts; -1 twice where none is near.
    """
    distinct, first, places = np.unique(hashes, return_index=True, return_inverse=True)
    partners, bits = np.full(len(distinct), -1), np.full(len(distinct), -1)
    for lefts, rights, found in close_pairs(distinct, distinct, distance):
        others = lefts != rights
        lefts, rights, found = lefts[others], first[rights[others]], found[others]
        order = np.lexsort((rights, found, lefts))
        ones, chosen = np.unique(lefts[order], return_index=True)
        partners[ones], bits[ones] = rights[order][chosen], found[order][chosen]
    partners, bits = partners[places], bits[places]
    # Nothing is nearer than the same hash: of each that repeats, the first one's partner is the second.
    repeats = np.flatnonzero(first[places] != np.arange(len(hashes)))
    repeated, second = np.unique(places[repeats], return_index=True)
    partners[first[repeated]], bits[first[repeated]] = repeats[second], 0
    partners[repeats], bits[repeats] = first[places[repeats]], 0
    return partners, bits


def near_duplicates(images: pl.DataFrame, distance: int) -> pl.DataFrame:
    """Images with another one within `distance` bits: source, image_id, other_id, distance, nearest first.

    `images` has the columns image_id, source and perceptual_hash of `tables.Images`.
    """
    comparable = images.filter(pl.Series(informative(images["perceptual_hash"].to_numpy()))).sort("image_id")
    partners, bits = nearest(comparable["perceptual_hash"].to_numpy(), distance)
    near = comparable.select("source", "image_id").with_columns(
        other_id=comparable["image_id"].gather(partners.clip(min=0)),
        distance=pl.Series(bits, dtype=pl.Int64),
    )
    return near.filter(pl.col("distance") >= 0).sort("distance", "image_id")
