"""Training samples with their views, in an order that is a pure function of seed and step.

The `answer` column is not loaded: no recipe here can read a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl

from vzero.paths import Paths
from vzero.shards import scan, shard_of
from vzero.tables import Crops, Images, Samples

SAMPLE_COLUMNS = ["sample_id", "image_id", "question", "options", "split"]


@dataclass(frozen=True)
class TrainingSample:
    sample_id: str
    question: str
    options: tuple[str, ...]
    image: bytes
    positive: bytes
    negative: bytes | None  # None: no irrelevant crop could be cut; such a sample gets weight 1


def training_index(paths: Paths) -> pl.DataFrame:
    """Every training sample that has crops: ids, texts and pixel sizes, no image bytes. Sorted by id."""
    samples = scan(paths.samples, Samples, SAMPLE_COLUMNS).filter(pl.col("split") == "train")
    sizes = scan(paths.images, Images, ["image_id", "width", "height"])
    crops = scan(paths.crops, Crops, ["sample_id", "width", "height"]).rename(
        {"width": "crop_width", "height": "crop_height"}
    )
    index = samples.join(sizes, on="image_id").join(crops, on="sample_id").sort("sample_id").collect()
    if index.is_empty():
        raise ValueError(f"{paths.samples}: no training sample with crops")
    return index


def step_rows(count: int, prompts: int, *, seed: int, step: int) -> list[int]:
    """Row numbers of a step's prompts. Every epoch visits all rows once, in an order of its own."""
    rows: list[int] = []
    position = step * prompts
    while len(rows) < prompts:
        epoch, offset = divmod(position + len(rows), count)
        order = np.random.default_rng([seed, epoch]).permutation(count)
        rows.extend(order[offset : offset + prompts - len(rows)].tolist())
    return rows


def load_samples(paths: Paths, rows: pl.DataFrame) -> list[TrainingSample]:
    """The pixels of some rows of the index, in their order. Only the shards that hold them are opened."""
    image_ids, sample_ids = rows["image_id"], rows["sample_id"]
    # Both tables are sharded by the image's id.
    images = _lookup(paths.images, Images, "image_id", image_ids, image_ids, ["bytes"])
    crops = _lookup(paths.crops, Crops, "sample_id", sample_ids, image_ids, ["positive", "negative"])
    return [
        TrainingSample(
            sample_id=row["sample_id"],
            question=row["question"],
            options=tuple(row["options"]),
            image=images[row["image_id"]][0],
            positive=crops[row["sample_id"]][0],
            negative=crops[row["sample_id"]][1],
        )
        for row in rows.iter_rows(named=True)
    ]


def _lookup(
    folder: Path,
    schema: type[dy.Schema],
    key: str,
    keys: pl.Series,
    sharded_by: pl.Series,
    columns: Sequence[str],
) -> dict[str, tuple]:
    files = sorted(folder.glob("part-*.parquet"))
    wanted = sorted({shard_of(value, len(files)) for value in sharded_by})
    frames = [
        scan(files[shard], schema, [key, *columns]).filter(pl.col(key).is_in(keys.implode()))
        for shard in wanted
    ]
    return {row[0]: row[1:] for row in pl.concat(frames).collect().iter_rows()}
