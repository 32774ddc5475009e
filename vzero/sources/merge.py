"""The tables of a run, made of its checked parts (`spill`).

Whatever the number of rows, only an index of them is held: a position and a shard each, and the ids of those
that may be repeated. Texts are read a shard at a time, and encoded images a row group at a time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from vzero import shards, tables
from vzero.sources import spill
from vzero.sources.annotation import SourceError
from vzero.sources.files import Images, read_image
from vzero.sources.rejects import RejectCode, Rejected
from vzero.sources.sharding import assign_shards

BATCHES_OF_REJECTS = 4_000  # whose rejects share a file


def scan_parts(folder: Path, schema: type[dy.Schema]) -> pl.LazyFrame:
    """All parts of a table in the order of their rows, with the columns of `spill.columns`."""
    found = spill.parts(folder, schema)
    return pl.scan_parquet(found) if found else pl.LazyFrame(schema=spill.columns(schema))


def find_repeated(folder: Path) -> pl.DataFrame:
    """The samples whose id an earlier row has: position, code and detail."""
    rows = scan_parts(folder, tables.Samples)
    # Of all ids only eight bytes are held, and of those that may be repeated all.
    hashes = rows.select(pl.col("sample_id").hash()).collect()["sample_id"]
    several = hashes.filter(hashes.is_duplicated()).unique()
    ids = (
        rows.filter(pl.col("sample_id").hash().is_in(several.implode()))
        .select("position", "source", "row", "sample_id", "content")
        .collect()
    )
    first = ids.unique("sample_id", keep="first", maintain_order=True)
    later = ids.join(first, on="sample_id", suffix="_first", maintain_order="left")
    agrees = pl.when(pl.col("content") == pl.col("content_first")).then(pl.lit("the same content as"))
    where = (
        pl.when(pl.col("source") == pl.col("source_first"))
        .then(pl.lit(""))
        .otherwise(pl.format(" of {}", "source_first"))
    )
    return later.filter(pl.col("position") != pl.col("position_first")).select(
        "position",
        code=pl.lit(str(RejectCode.DUPLICATE_ID)),
        detail=pl.format(
            "{} row {}{}, which is kept",
            agrees.otherwise(pl.lit("other content than")),
            "row_first",
            where,
        ),
    )  # fmt: skip


def write_rejects(
    folder: Path, target: Path, left_out: pl.DataFrame, unusable: pl.DataFrame
) -> Counter[tuple[str, str]]:
    """Write the table of rejects in the order of the rows; how many of the samples' by source and code.

    `left_out` are checked samples with position, code and detail; `unusable` are the rejects of benchmarks,
    which go into the same table, at its end.
    """
    samples = scan_parts(folder, tables.Samples).select("position", "source", "row", "sample_id", "image")
    more = samples.join(left_out.lazy(), on="position").collect()
    schema = tables.Rejects.create_empty().schema
    counts: Counter[tuple[str, str]] = Counter()
    found = spill.parts(folder, tables.Rejects)
    starts = range(0, max(len(found), 1), BATCHES_OF_REJECTS)
    for number, first in enumerate(starts):
        group = found[first : first + BATCHES_OF_REJECTS]
        of_group = (pl.col("position") // spill.MOST_ROWS).is_between(first, first + len(group) - 1)
        empty = pl.DataFrame(schema=spill.columns(tables.Rejects))
        parts = [
            empty,
            *(pl.read_parquet(path) for path in group),
            more.filter(of_group).select(empty.columns),
        ]
        rejects = pl.concat(parts).sort("position").select(list(schema))
        for source, code, count in rejects.group_by("source", "code").len().iter_rows():
            counts[source, code] += count
        frame = pl.concat([rejects, unusable]) if number == len(starts) - 1 else rejects
        shards.write_table(shards.shard_path(target, number), frame, tables.Rejects)
    return counts


def plan_shards(folder: Path, left_out: pl.DataFrame, shard_images: int) -> list[np.ndarray]:
    """The positions of the samples that each shard holds, without those of `left_out`.

    Images stand in the order in which the samples first show them, and all samples of an image with it.
    """
    # An image's id is a hash: of its digits the first sixteen stand for it.
    key = pl.col("image_id").str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64)
    rows = scan_parts(folder, tables.Samples).select("position", key=key)
    kept = rows.join(left_out.lazy(), on="position", how="anti").sort("position").collect()
    images = kept.select("key").unique(maintain_order=True)
    numbers = images.with_columns(shard=pl.Series(assign_shards(images["key"].to_numpy(), shard_images)))
    planned = kept.join(numbers, on="key", maintain_order="left")
    by_shard = planned.sort("shard", maintain_order=True)
    ends = np.flatnonzero(np.diff(by_shard["shard"].to_numpy())) + 1
    return np.split(by_shard["position"].to_numpy(), ends) if len(by_shard) else []


def merge_shard(
    folder: Path,
    shard: int,
    positions: np.ndarray,
    opened: Mapping[str, Images | None],
    images: Path,
    samples: Path,
) -> int:
    """Write one shard of both tables from the parts that hold these samples; the number of images.

    `opened` are the images of each source. `SourceError` when one is no longer what it was.
    """
    batches = np.unique(positions // spill.MOST_ROWS).tolist()
    chosen = pl.col("position").is_in(pl.Series(positions).implode())
    kept = pl.concat(_read(folder, tables.Samples, batch).filter(chosen) for batch in batches)
    pictures = (
        pl.concat(_read(folder, tables.Images, batch) for batch in batches)
        .unique("image_id", keep="first", maintain_order=True)
        .join(kept, on="image_id", how="semi")
    )
    shards.write_groups(
        shards.shard_path(images, shard),
        pictures,
        tables.Images,
        weights=pictures["length"],
        load=lambda rows: _with_bytes(folder, opened, rows),
    )
    shards.write_table(
        shards.shard_path(samples, shard), kept.select(tables.Samples.column_names()), tables.Samples
    )
    return len(pictures)


def _read(folder: Path, schema: type[dy.Schema], batch: int) -> pl.DataFrame:
    return pl.read_parquet(spill.part(folder, schema, batch))


def _with_bytes(folder: Path, opened: Mapping[str, Images | None], rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `tables.Images`, with the bytes that the parts only point at."""
    data = [_bytes(folder, opened, row) for row in rows.iter_rows(named=True)]
    where = ("path", "batch", "place", "length")
    return rows.with_columns(bytes=pl.Series(data, dtype=pl.Binary)).drop(where)


def _bytes(folder: Path, opened: Mapping[str, Images | None], row: dict[str, Any]) -> bytes:
    images = opened[row["source"]]
    if row["path"] is None or images is None:
        with spill.stored_bytes(folder, row["batch"]).open("rb") as file:
            file.seek(row["place"])
            return file.read(row["length"])
    try:
        data = read_image(images, row["path"])
    except Rejected:
        data = b""
    if hashlib.sha256(data).hexdigest() != row["image_id"]:
        raise SourceError(f"{row['source']}: image {row['path']} changed while ingest ran; run it again")
    return data
