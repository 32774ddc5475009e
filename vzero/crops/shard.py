"""One shard of the crops table, made from the same shard of images and samples.

Samples and crops are in the same shard as their (first) image, so a shard needs no other.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Container, Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from vzero import imaging, shards, tables
from vzero.config import Crops
from vzero.crops.pair import evidence_pair
from vzero.crops.strategy import Neighbours, Picture

# The answer is not among them: nothing that feeds training can read it.
SAMPLE_COLUMNS = ["sample_id", "image_id", "more_image_ids", "evidence_box"]


def write_shard(images: Path, samples: Path, target: Path, config: Crops) -> int:
    """Cut the crops of every sample with a box in one shard; the number of these samples."""
    boxed = shards.scan(samples, tables.Samples, SAMPLE_COLUMNS).filter(pl.col("evidence_box").is_not_null())
    wanted = boxed.sort("sample_id").collect()
    by_image = {str(key[0]): rows for key, rows in wanted.partition_by("image_id", as_dict=True).items()}
    sizes = shards.read(images, tables.Images, ["image_id", "width", "height"])
    if missing := sorted(by_image.keys() - set(sizes["image_id"])):
        raise ValueError(f"{images}: no image {missing[0]}, which {samples} refers to; run ingest again")
    extents = {image_id: (width, height) for image_id, width, height in sizes.iter_rows()}
    neighbours = Neighbours(extents, lambda image_id: _open(images, image_id))
    # In the order of the images, so that each is decoded once; the table is in that of the samples.
    places, position = [], 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=target.parent) as stored:
        for picture in _pictures(images, by_image.keys()):
            for sample_id, _, further, evidence_box in by_image[picture.image_id].iter_rows():
                # What the sample shows besides may hold the evidence too.
                others = neighbours.without(further)
                row = evidence_pair(sample_id, picture, tuple(evidence_box), others, config)
                pickle.dump(row, stored)
                places.append((sample_id, position, stored.tell() - position))
                position = stored.tell()
        schema = {"sample_id": pl.String, "place": pl.Int64, "length": pl.Int64}
        index = pl.DataFrame(places, schema=schema, orient="row")
        shards.write_groups(
            target, index, tables.Crops, weights=index["length"], load=lambda part: _load(stored, part)
        )
    return len(places)


def _load(stored: BinaryIO, index: pl.DataFrame) -> pa.Table:
    rows = []
    for place in index["place"]:
        stored.seek(place)
        rows.append(pickle.load(stored))
    return shards.to_arrow(shards.frame_of(rows, tables.Crops), tables.Crops)


def _pictures(images: Path, wanted: Container[str]) -> Iterator[Picture]:
    """The wanted images of a shard, decoded one at a time; a row group's bytes are held at once."""
    with pq.ParquetFile(images) as file:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=["image_id", "bytes"])
            for image_id, data in zip(rows["image_id"].to_pylist(), rows["bytes"], strict=True):
                if image_id in wanted:
                    yield Picture(image_id, imaging.decode(data.as_py()))


def _open(images: Path, image_id: str) -> Picture:
    row = shards.scan(images, tables.Images, ["image_id", "bytes"]).filter(pl.col("image_id") == image_id)
    return Picture(image_id, imaging.decode(row.collect()["bytes"].item()))
