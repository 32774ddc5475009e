"""Write and scan sharded Parquet tables: checked against their schema, atomic, resumable.

A table is a folder of `part-NNNNN.parquet` files, or of folders of such, one for each part of the table that
something depends on by itself. What belongs together (an image, its samples, their crops)
has the same shard number, and rows are sorted inside, so the same rows always make the same bytes. Long
stages write into a scratch folder (`vzero.runs`), from which the finished tables are put in place at the end.

A process may be killed at any moment. So whatever is read later is written under a hidden name that ends in
`.tmp`, forced to disk and renamed; such names are never read, and the next run clears them. Several processes
may write the same file or folder at once: each puts the whole of its own in place, and the last one's stays.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from vzero.digests import digests
from vzero.errors import ProjectError
from vzero.locks import held
from vzero.tables import Samples

ROW_GROUP = 100  # rows; small, so that looking at one image does not read a whole shard
GROUP_BYTES = 2**23  # of the encoded images in a row group; one larger image is a group of its own
UNFINISHED = ".*.tmp"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
ABSENT: dict[type[dy.Schema], dict[str, pl.Expr]] = {
    Samples: {"more_image_ids": pl.lit([], pl.List(pl.String))},
}
"""Columns that tables of earlier versions lack, and what that means."""


def shard_path(folder: Path, index: int) -> Path:
    return folder / f"part-{index:05d}.parquet"


def files(folder: Path) -> list[Path]:
    """The files of a table in order, those of its parts included."""
    return sorted([*folder.glob("part-*.parquet"), *folder.glob("[!.]*/part-*.parquet")])


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block succeeds, and vanishes otherwise.

    Its name is its own: a worker that was given up for lost may still be writing the same file.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with _disk_errors(path):
            yield temporary
            _sync(temporary)
            temporary.replace(path)
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target` that takes its place when the block succeeds, and vanishes otherwise.

    What was there is renamed aside before and removed after, so that half of it is never seen. A kill between
    the two renames leaves nothing in the place; `put_back` mends that. Other processes with the same target
    wait until the block is left.
    """
    make_folder(target.parent)
    temporary = target.with_name(f".{target.name}.new.tmp")
    with _disk_errors(target), held(target):
        put_back(target)
        remove(temporary)
        try:
            temporary.mkdir()
            yield temporary
            sync_folder(temporary)
            if os.path.lexists(target):
                target.rename(_aside(target))
            temporary.rename(target)
            _sync(target.parent)
            remove(_aside(target))
        finally:
            remove(temporary)


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target` that takes its place when the block succeeds; for scratch folders.

    Of several workers at the same work, one of which was given up for lost, the first to finish counts.
    """
    make_folder(target.parent)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with _disk_errors(target):
            temporary.mkdir()
            yield temporary
            sync_folder(temporary)
            try:
                temporary.rename(target)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            _sync(target.parent)
    finally:
        remove(temporary)


def put_back(target: Path) -> None:
    """Undo a replacement by `atomic_folder` that was killed halfway; otherwise nothing."""
    if os.path.lexists(target):
        remove(_aside(target))
    elif os.path.lexists(_aside(target)):
        _aside(target).rename(target)


def discard(folder: Path) -> None:
    """Remove a folder, if it is there, so that a kill never leaves half of it under its name."""
    remove(_aside(folder))
    if folder.is_dir():
        folder.rename(_aside(folder))
        remove(_aside(folder))


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old.tmp")


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Libraries report a full disk each in their own way; from here it is an OSError that names `path`."""
    try:
        yield
    except Exception as error:
        for number in DISK_FULL:
            if os.strerror(number) in str(error):
                raise OSError(number, os.strerror(number), str(path)) from error
        raise


def make_folder(folder: Path) -> None:
    """Like `mkdir -p`; the new names outlive a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def sync_folder(folder: Path) -> None:
    """Force a folder with all in it to disk, so that a rename after it never exposes half-written files."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_file():
            # Some libraries write private files; artifacts are as readable as any other.
            path.chmod(0o644)
        _sync(path)


def _sync(path: Path) -> None:
    """Force a file's bytes, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _forget(path: Path) -> None:
    """Let the system drop a written file from memory: gigabytes of them would push everything else out."""
    if hasattr(os, "posix_fadvise"):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


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


def write_groups(
    path: Path,
    index: pl.DataFrame,
    schema: type[dy.Schema],
    *,
    weights: pl.Series,
    load: Callable[[pl.DataFrame], pa.Table],
) -> None:
    """Write one file atomically of which only a row group is ever held in memory.

    `index` has the key's columns and whatever `load` needs to give the full rows of a part of it, checked as
    `to_arrow` does; `weights` are the rows' bytes. A row group ends at `ROW_GROUP` rows or `GROUP_BYTES`.
    """
    keys = schema.primary_key()
    if index.select(keys).is_duplicated().any():
        raise ValueError(f"{path}: several rows of one {', '.join(keys)}")
    ordered = index.with_columns(weight=weights).sort(keys)
    arrow = schema.create_empty().to_arrow().schema
    binary = [field.name for field in arrow if pa.types.is_large_binary(field.type)]
    others = [name for name in arrow.names if name not in binary]
    settings: dict[str, Any] = {
        "compression": dict.fromkeys(others, "ZSTD")
        | dict.fromkeys(binary, "NONE"),  # images are small already
        "use_dictionary": others,
        "write_statistics": others,
    }
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, arrow, **settings) as writer:
        for start, length in _groups(ordered["weight"].to_list()):
            writer.write_table(load(ordered.slice(start, length).drop("weight")).cast(arrow))
    _forget(path)


def to_arrow(frame: pl.DataFrame, schema: type[dy.Schema]) -> pa.Table:
    """Rows as they are written, checked against their schema."""
    return schema.validate(frame, cast=True).to_arrow()


def _groups(weights: list[int]) -> Iterator[tuple[int, int]]:
    """Start and length of the row groups."""
    start = held = 0
    for number, weight in enumerate(weights):
        if number > start and (number - start == ROW_GROUP or held + weight > GROUP_BYTES):
            yield start, number - start
            start, held = number, 0
        held += weight
    yield start, len(weights) - start


def scan(folder: Path, schema: type[dy.Schema], columns: list[str] | None = None) -> pl.LazyFrame:
    """A lazy frame over a table.

    `columns` limits what can be read at all: label-free stages leave out `answer`. Columns that tables of
    earlier versions lack are there all the same (`ABSENT`).
    """
    found = files(folder) if folder.is_dir() else [folder]
    if not found or not found[0].is_file():
        raise ProjectError(f"{folder}: no table there; run the stage that writes it first")
    wanted = columns if columns is not None else list(schema.column_names())
    frame = pl.scan_parquet(found)
    if absent := ABSENT.get(schema, {}).keys() & set(wanted):
        absent -= set(frame.collect_schema().names())
        frame = frame.with_columns(**{name: ABSENT[schema][name] for name in absent})
    return frame.select(wanted)


def read(folder: Path, schema: type[dy.Schema], columns: list[str] | None = None) -> pl.DataFrame:
    """The rows of a table. Use `scan` where only some of them are needed."""
    return scan(folder, schema, columns).collect()


def write_json(path: Path, content: Any) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def content_hash(*paths: Path, without: Collection[str] = ()) -> str:
    """A hash of the bytes and relative names of files and folders, but for files of these relative names."""
    digest, named = hashlib.sha256(), []
    for path in paths:
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            name = str(file.relative_to(path))
            if "__pycache__" not in file.parts and name not in without:
                named.append((name, file))
    for (name, _), found in zip(named, digests([file for _, file in named]), strict=True):
        digest.update(name.encode())
        digest.update(found)
    return digest.hexdigest()


def listing_hash(places: list[Path]) -> str:
    """A hash of the names, sizes and times of all files in some places, which stands for their contents."""
    digest = hashlib.sha256()
    for place in places:
        for path in _files(place):
            with contextlib.suppress(FileNotFoundError):  # a link to nothing
                status = path.stat()
                line = f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n"
                digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files(place: Path) -> Iterator[Path]:
    """All files of a place in order; of millions only one folder's names are held."""
    if not place.is_dir():
        yield place
        return
    for folder, folders, names in os.walk(place):
        folders.sort()
        for name in sorted(names):
            yield Path(folder, name)
