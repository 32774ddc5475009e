"""What `ingest` makes of a source, without the stage around it; and tables written in a few shards."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import dataframely as dy
import polars as pl

from vzero import shards, tables
from vzero.config import Ingest
from vzero.ingest import checked_parts, merge
from vzero.sources.annotation import Source
from vzero.untrusted.files import Images


def check_and_merge(
    source: Source, config: Ingest, folder: Path
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Samples, images and rejects of a source; `folder` gets the parts, and the tables in `out/`."""
    for number, batch in enumerate(source.batches):
        checked_parts.check_batch(number, batch, source.name, source.images, config, folder)
    return merge_tables(folder, {source.name: source.images})


def merge_tables(
    folder: Path, opened: Mapping[str, Images | None], shard_images: int = 256
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Samples, images and rejects of checked batches."""
    out = folder / "out"
    repeated = merge.find_repeated(folder)
    merge.write_rejects(folder, out / "rejects", repeated, checked_parts.reject_frame([], ""))
    for shard in merge.plan_shards(folder, repeated, merge.find_suspects(folder), shard_images):
        merge.write_shard(folder, shard, opened, out / "images", out / "samples")
    samples, images = (
        shards.read(out / name, schema) if (out / name).is_dir() else schema.create_empty()
        for name, schema in (("samples", tables.Samples), ("images", tables.Images))
    )
    return samples, images, shards.read(out / "rejects", tables.Rejects)


def write_items(folder: Path, items: pl.DataFrame, shard_rows: int = 100) -> None:
    """Benchmark items as `ingest` leaves them, a folder a benchmark."""
    for (benchmark,), rows in items.group_by("benchmark"):
        write_shards(folder / str(benchmark), rows, tables.BenchmarkItems, shard_rows)


def write_shards(folder: Path, frame: pl.DataFrame, schema: type[dy.Schema], shard_rows: int) -> None:
    """A whole table, consecutive rows in files of so many."""
    shutil.rmtree(folder, ignore_errors=True)
    for number, rows in enumerate(schema.cast(frame).iter_slices(shard_rows)):
        shards.write_table(shards.shard_path(folder, number), rows, schema)
