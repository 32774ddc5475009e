"""A published benchmark as shards of its own folder of the table, however large its images are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from vzero import shards
from vzero.benchmarks.items import item_digest, version_of
from vzero.benchmarks.read import BenchmarkFile
from vzero.errors import SourceError
from vzero.tables import BenchmarkItems
from vzero.untrusted.rejects import Reject

ITEMS_TOGETHER = 100
BYTES_TOGETHER = 256 * 2**20  # of encoded images; bounds memory

Row = dict[str, Any]


@dataclass(frozen=True)
class Stored:
    items: int
    rejects: tuple[Reject, ...]


def store_benchmark(file: BenchmarkFile, scratch: Path, target: Path) -> Stored:
    """Write all items as shards of `target`, the benchmark's own folder.

    The items pass through `scratch` first, because the version that each carries is the hash of all.
    Raises SourceError when no row can be used.
    """
    rejects: list[Reject] = []
    digests: list[str] = []
    parts = 0
    for parts, rows in enumerate(_in_parts(_items(file, rejects)), start=1):
        digests += [item_digest(row) for row in rows]
        with shards.atomic_path(shards.shard_path(scratch, parts - 1)) as temporary:
            shards.frame_of(rows, BenchmarkItems).write_parquet(temporary, compression="uncompressed")
    if not digests:
        raise SourceError(f"{file.benchmark.name}: {file.path}: {_why_nothing(rejects)}")
    version = version_of(digests)
    for part in range(parts):
        frame = pl.read_parquet(shards.shard_path(scratch, part)).with_columns(version=pl.lit(version))
        shards.write_table(shards.shard_path(target, part), frame, BenchmarkItems)
    return Stored(len(digests), tuple(rejects))


def _items(file: BenchmarkFile, rejects: list[Reject]) -> Iterator[Row]:
    for row in file.rows():
        if isinstance(row, Reject):
            rejects.append(row)
        else:
            yield row


def _in_parts(items: Iterable[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    held = 0
    for item in items:
        part.append(item)
        held += sum(map(len, (item["image"], *item["more_images"], item["crop_image"] or b"")))
        if len(part) == ITEMS_TOGETHER or held > BYTES_TOGETHER:
            yield part
            part, held = [], 0
    if part:
        yield part


def _why_nothing(rejects: list[Reject]) -> str:
    if not rejects:
        return "no rows"
    first = rejects[0]
    return f"none of {len(rejects)} rows can be used (the first: {first.code}: {first.detail})"
