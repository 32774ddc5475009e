"""The nearest other picture, as a search of all pairs finds it."""

from __future__ import annotations

import numpy as np
import polars as pl

from vzero.likeness.nearest import near_duplicates, nearest


def test_the_nearest_other_hash_is_the_one_that_a_search_of_all_pairs_finds():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2**64, 200, dtype=np.uint64)
    flips = np.array([1 << int(bit) for bit in rng.integers(0, 64, 500)], dtype=np.uint64)
    hashes = np.concatenate([base, base[rng.integers(0, 200, 500)] ^ flips, base[:20], base[:5]])
    bits = np.bitwise_count(hashes[:, None] ^ hashes[None, :]).astype(int)
    np.fill_diagonal(bits, 65)
    partners, found = nearest(hashes, 4)
    near = bits.min(axis=1) <= 4
    assert near.any() and not near.all()
    assert found.tolist() == np.where(near, bits.min(axis=1), -1).tolist()
    assert partners.tolist() == np.where(near, bits.argmin(axis=1), -1).tolist()


def test_flat_pictures_are_nobodys_duplicates():
    hashes = [0x0F0F0F0F0F0F0F0F, 0x0F0F0F0F0F0F0F0D, 0, 1]
    images = pl.DataFrame(
        {"image_id": list("abcd"), "source": ["s"] * 4, "perceptual_hash": hashes},
        schema_overrides={"perceptual_hash": pl.UInt64},
    )
    assert near_duplicates(images, 4).rows() == [("s", "a", "b", 1), ("s", "b", "a", 1)]
    assert near_duplicates(images.filter(image_id="c"), 4).is_empty()
