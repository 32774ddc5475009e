"""Write and scan sharded Parquet tables: checked against their schema, atomic, resumable.

A table is a folder of `part-NNNNN.parquet` files. Rows go to shards by a stable hash of an id (images,
samples and crops by the image's, so that what belongs together has the same shard number) and are sorted
inside, so the same rows always make the same bytes. Long stages write into a scratch folder whose name is
a hash of everything the result depends on (`run_folder`): an interrupted run is picked up there, a changed
parameter starts clean, and the finished tables move into place at the end (`publish`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import xxhash

ROW_GROUP = 100  # rows; small, so that looking at one image does not read a whole shard


def shard_of(key: str, shards: int) -> int:
    """The shard that a row with this id belongs to; the same in every process and version."""
    return xxhash.xxh64_intdigest(key.encode()) % shards


def shard_path(folder: Path, index: int) -> Path:
    return folder / f"part-{index:05d}.parquet"


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block succeeds, and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes private files; artifacts are as readable as any other.
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def frame_of(rows: list[dict[str, Any]], schema: type[dy.Schema]) -> pl.DataFrame:
    """Rows as a frame with the schema's columns; not yet checked."""
    return pl.DataFrame(rows, schema=schema.create_empty().schema, strict=False)


def write_table(path: Path, frame: pl.DataFrame, schema: type[dy.Schema]) -> None:
    """Check a frame against its schema, sort it by its key and write one file atomically."""
    checked = schema.validate(frame, cast=True)
    keys = schema.primary_key()
    ordered = checked.sort(keys) if keys else checked
    with atomic_path(path) as temporary:
        ordered.write_parquet(temporary, compression="zstd", row_group_size=ROW_GROUP)


def write_shards(
    folder: Path, frame: pl.DataFrame, schema: type[dy.Schema], *, key: str, shards: int
) -> None:
    """Write a whole table, one file a shard. Every shard is written, also an empty one."""
    frame = schema.cast(frame)
    index = frame[key].map_elements(lambda value: shard_of(value, shards), return_dtype=pl.Int64)
    for shard in range(shards):
        write_table(shard_path(folder, shard), frame.filter(index == shard), schema)


def scan(folder: Path, schema: type[dy.Schema], columns: list[str] | None = None) -> pl.LazyFrame:
    """A lazy frame over a table.

    `columns` limits what can be read at all: label-free stages leave out `answer`.
    """
    files = sorted(folder.glob("part-*.parquet")) if folder.is_dir() else [folder]
    if not files or not files[0].is_file():
        raise FileNotFoundError(f"{folder}: no table there; run the stage that writes it first")
    wanted = columns if columns is not None else list(schema.column_names())
    return pl.scan_parquet(files).select(wanted)


def read(folder: Path, schema: type[dy.Schema], columns: list[str] | None = None) -> pl.DataFrame:
    """The rows of a table. Use `scan` where only some of them are needed."""
    return scan(folder, schema, columns).collect()


def write_json(path: Path, content: Any) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def content_hash(*paths: Path) -> str:
    """A hash of the bytes and relative names of files and folders."""
    digest = hashlib.sha256()
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if "__pycache__" in file.parts:
                continue
            digest.update(str(file.relative_to(path)).encode())
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def run_folder(scratch: Path, stage: str, *, config: Any, inputs: list[Path]) -> Path:
    """The scratch folder of this exact run: same config, same inputs, same code.

    Folders of the stage's other runs are removed.
    """
    code = Path(__file__).parent
    key = hashlib.sha256(
        json.dumps([stage, config, content_hash(*inputs), content_hash(*sorted(code.rglob("*.py")))]).encode()
    ).hexdigest()[:16]
    folder = scratch / stage / key
    for other in (scratch / stage).glob("*"):
        if other != folder:
            shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def publish(source: Path, target: Path) -> None:
    """Move a finished folder or file into its place, replacing what was there."""
    # A killed process could not remove its temporary files.
    for leftover in source.rglob(".*.tmp"):
        leftover.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    source.replace(target)


def sync_folder(folder: Path) -> None:
    """Force a folder's files to disk, so that a rename after it never exposes half-written ones."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as written:
                os.fsync(written.fileno())
