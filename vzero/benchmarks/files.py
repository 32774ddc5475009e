"""Opening a benchmark's files: TSV with base64 images, Parquet, and V*'s text files beside images.

Every reader gives the columns and, one at a time, the rows. Cells are as found; a missing one is `None`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vzero.config import NaCells
from vzero.errors import SourceError
from vzero.untrusted.parquet import read_batches

Row = dict[str, Any]


@dataclass(frozen=True)
class Opened:
    """Files of one kind, with the columns they share."""

    columns: tuple[str, ...]
    rows: Callable[[Sequence[str]], Iterator[Row]]
    """Rows in order, given the names of the image columns."""


def open_files(files: Sequence[Path], na_cells: NaCells) -> Opened:
    """Columns and rows of files of one suffix. Raises SourceError for one that cannot be read."""
    match files[0].suffix.lower():
        case ".tsv":
            # Here, because it imports pandas, which takes half a second.
            from vzero.benchmarks.tsv import read_tsv_rows, tsv_columns

            columns = [tsv_columns(file) for file in files]
            return Opened(
                _common(columns),
                lambda images: _chained(read_tsv_rows(file, images, na_cells) for file in files),
            )
        case ".parquet":
            columns = [_parquet_columns(file) for file in files]
            return Opened(_common(columns), lambda _: _chained(_parquet_rows(file) for file in files))
        case ".jsonl":
            rows = [row for file in files for row in _json_lines(file)]
        case _:
            rows = [_sidecar(file) for file in files]
    return Opened(_common([tuple(row) for row in rows]), lambda _: map(_with_image, rows))


def _chained(parts: Iterator[Iterator[Row]]) -> Iterator[Row]:
    for part in parts:
        yield from part


def _common(columns: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Columns that all have, in the order of the first."""
    shared = set(columns[0]).intersection(*columns[1:]) if columns else set()
    return tuple(name for name in columns[0] if name in shared) if columns else ()


def _parquet_columns(path: Path) -> tuple[str, ...]:
    try:
        return tuple(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path}: not a readable Parquet file: {error}") from error


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        for batch in read_batches(path):
            yield from batch.to_pylist()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not a readable Parquet file: {error}") from error


def _json_lines(path: Path) -> Iterator[Row]:
    """V*'s question list: images by path, beside which a file of the same stem holds the boxes."""
    for number, line in enumerate(path.read_bytes().splitlines()):
        if line.strip():
            row = _object(line, f"{path} line {number + 1}")
            image = path.parent / str(row.get("image", ""))
            sidecar = image.with_suffix(".json")
            boxes = _object(sidecar.read_bytes(), str(sidecar)).get("bbox") if sidecar.is_file() else None
            yield row | {"image": image, "bbox": boxes}


def _sidecar(path: Path) -> Row:
    """One of V*'s files beside an image; the folder is its category."""
    images = [file for file in sorted(path.parent.glob(f"{path.stem}.*")) if file != path]
    row = _object(path.read_bytes(), str(path))
    name = f"{path.parent.name}/{path.stem}"
    return row | {"item": name, "folder": path.parent.name, "image": images[0] if images else None}


def _object(text: bytes, where: str) -> Row:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise SourceError(f"{where}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise SourceError(f"{where}: expected names and values, found {type(content).__name__}")
    return content


def _with_image(row: Row) -> Row:
    image = row["image"]
    found = isinstance(image, Path) and image.is_file()
    return row | {"image": image.read_bytes() if found else None}
