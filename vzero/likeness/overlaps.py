"""Training images that are, or resemble, pictures of a benchmark: counted and listed.

The same bytes are certain. A resemblance is two difference hashes that are few bits apart: a candidate to
look at. Re-encoded and resized copies are found, and crops of about 1 % a side; larger crops are not.

A hash with fewer than `INFORMATIVE_BITS` ones, or zeros, is of a picture that is mostly flat: all of them
hash nearly alike, so it counts by its bytes only. So do the embedded benchmarks. Their scenes are drawn from
the same few parts as the training scenes, and some unlike ones share a hash; but a scene that is drawn twice
has the same bytes twice.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from vzero.config import BENCHMARKS
from vzero.likeness.pairs import close_pairs
from vzero.tables import Overlaps

INFORMATIVE_BITS = 8
KEY = ["benchmark", "item", "picture", "image_id"]


def informative(hashes: np.ndarray) -> np.ndarray:
    """Which of the uint64 hashes (N,) tell one picture from another: not nearly all zeros or all ones."""
    ones = np.bitwise_count(hashes)
    return (ones >= INFORMATIVE_BITS) & (ones <= 64 - INFORMATIVE_BITS)


def pictures_of(items: pl.DataFrame) -> pl.DataFrame:
    """One row a picture of an item: benchmark, item, picture, sha256 and benchmark_hash.

    `items` has the columns benchmark, item and pictures of `tables.BenchmarkItems`.
    """
    each = items.select("benchmark", "item", "pictures").with_columns(
        picture=pl.int_ranges(0, pl.col("pictures").list.len(), dtype=pl.Int32)
    )
    facts = pl.col("pictures").struct
    return each.explode("pictures", "picture").select(
        "benchmark",
        "item",
        "picture",
        facts.field("sha256"),
        facts.field("perceptual_hash").alias("benchmark_hash"),
    )


def find_overlaps(images: pl.DataFrame, items: pl.DataFrame, distance: int) -> pl.DataFrame:
    """Every pair of a training image and a benchmark picture that overlap, as `tables.Overlaps`.

    `images` has the columns image_id and perceptual_hash of `tables.Images`, `items` those that
    `pictures_of` reads. The rows are in the order of the table's key.
    """
    pictures = pictures_of(items)
    training = images.select("image_id", image_hash="perceptual_hash")
    same = pictures.join(training, left_on="sha256", right_on="image_id", coalesce=False)
    same = same.with_columns(distance=pl.lit(0), same_bytes=pl.lit(True))
    published = pictures.filter(~pl.col("benchmark").is_in(BENCHMARKS))
    near = _hash_pairs(training["image_hash"], published["benchmark_hash"], distance)
    alike = near.join(training, on="image_hash").join(published, on="benchmark_hash")
    alike = alike.filter(pl.col("image_id") != pl.col("sha256")).with_columns(same_bytes=pl.lit(False))
    columns = Overlaps.column_names()
    return pl.concat(Overlaps.cast(pairs.select(columns)) for pairs in (same, alike)).sort(KEY)


def _hash_pairs(training: pl.Series, published: pl.Series, distance: int) -> pl.DataFrame:
    """Distinct informative hashes that are close: image_hash, benchmark_hash, distance."""
    left, right = (np.unique(hashes.to_numpy()) for hashes in (training, published))
    left, right = left[informative(left)], right[informative(right)]
    schema = {"image_hash": pl.UInt64, "benchmark_hash": pl.UInt64, "distance": pl.Int32}
    parts = (
        pl.DataFrame([left[lefts], right[rights], bits], schema=schema)
        for lefts, rights, bits in close_pairs(left, right, distance)
    )
    return pl.concat([pl.DataFrame(schema=schema), *parts])


def overlap_counts(overlaps: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """One row a benchmark: items, overlapping_items, same_bytes_items, and images that are involved.

    `items` is `tables.BenchmarkItems`, of which only the benchmark is read; benchmarks without an overlap
    have zeros.
    """
    found = overlaps.group_by("benchmark").agg(
        overlapping_items=pl.col("item").n_unique(),
        same_bytes_items=pl.col("item").filter("same_bytes").n_unique(),
        images=pl.col("image_id").n_unique(),
    )
    every = items.group_by("benchmark").agg(items=pl.len())
    return every.join(found, on="benchmark", how="left").fill_null(0).sort("benchmark")
