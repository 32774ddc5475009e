"""Rows of JSONL, CSV and Parquet files as dictionaries, one at a time; a broken row spoils no other."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from vzero.errors import SourceError
from vzero.untrusted.arrow import arrow_batches
from vzero.untrusted.cells import printable
from vzero.untrusted.json_stream import (
    BYTE_ORDER_MARK,
    LONGEST_ITEM,
    CutShortError,
    list_items,
    parse_json,
)
from vzero.untrusted.parquet import read_batches

Row = dict[str, Any] | str  # the cells by column, or why there are none

LOOK_AHEAD = 100  # JSONL rows that may leave out a key before its column counts as missing


def files_of(path: Path, ending: str) -> list[Path]:
    """The file, or in order those of a folder whose names end so; `SourceError` when it has none."""
    files = sorted(path.glob(f"*{ending}")) if path.is_dir() else [path]
    if not files:
        raise SourceError(f"{path}: no *{ending} file in this folder")
    return files


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of a file in order. Raises SourceError when it cannot be read or lacks one of the columns.

    Blank lines are no rows. A row that cannot be understood, or is longer than `LONGEST_ITEM`, is the reason
    for that, as text. So is the unfinished row that a JSONL file or a JSON list ends with when its rest is
    missing. Raises SourceError too for a list that is broken in its midst: what follows cannot
    be read.
    """
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".csv": _csv}
    readers |= {".parquet": partial(_arrow_rows, read_batches), ".arrow": partial(_arrow_rows, arrow_batches)}
    if not path.is_file():
        raise SourceError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"{path}: unknown kind of table; allowed: {', '.join(readers)}")
    rows = reader(path)
    first = list(islice(rows, LOOK_AHEAD if reader in (_jsonl, _json) else 1))
    found = dict.fromkeys(key for row in first if isinstance(row, dict) for key in row)
    missing = [column for column in columns if column not in found]
    if found and missing:
        raise SourceError(f"{path}: no column {missing[0]!r}; it has: {printable(', '.join(found)[:300])}")
    return chain(first, rows)


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open("rb") as lines:
        if lines.read(len(BYTE_ORDER_MARK)) != BYTE_ORDER_MARK:
            lines.seek(0)
        while line := lines.readline(LONGEST_ITEM):
            if len(line) >= LONGEST_ITEM:
                while (rest := lines.readline(LONGEST_ITEM)) and not rest.endswith(b"\n"):
                    pass
                yield f"more than {LONGEST_ITEM:,} bytes"
            elif line.strip():
                yield _json_row(line)


def _json(path: Path) -> Iterator[Row]:
    """One list of rows, or, as some call their JSONL files too, a row a line."""
    with path.open("rb") as file:
        start = b""
        while not start and (block := file.read(4096)):
            start = block.removeprefix(BYTE_ORDER_MARK).lstrip()
    if not start.startswith(b"["):
        yield from _jsonl(path)
        return
    try:
        for row in list_items(path):
            yield row if isinstance(row, dict) else f"not a JSON object but {type(row).__name__}"
    except CutShortError:
        yield "the file ends inside this row, or before the list does: what followed is missing"


def _json_row(line: bytes) -> Row:
    try:
        row = parse_json(line)
    except ValueError as error:
        return str(error)
    return row if isinstance(row, dict) else f"not a JSON object but {type(row).__name__}"


def _csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_ITEM)
    # Broken bytes become lone surrogates, which spoil their own row only.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = _Lines(file)
        reader = csv.DictReader(lines, strict=True)
        try:
            names = reader.fieldnames or []
        except csv.Error as error:
            raise SourceError(f"{path}: header is no CSV: {error}") from error
        if not all(names) or len(set(names)) < len(names):
            shown = printable(", ".join(names)[:300])
            raise SourceError(f"{path}: columns without a name, or of the same name: {shown}")
        while True:
            lines.taken = 0
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield f"not CSV: {error}"
            else:
                yield _csv_row(row)


class _Lines:
    """Lines of a CSV file. Raises csv.Error when a row, which may go over several, gets too long."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.taken = 0
        """Characters since the row began."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_ITEM)
        self.taken += len(line)
        if self.taken < LONGEST_ITEM:
            if line:
                return line
            raise StopIteration
        while line and not line.endswith(("\n", "\r")):
            line = self._file.readline(LONGEST_ITEM)
        raise csv.Error(f"a row of more than {LONGEST_ITEM:,} characters")


def _csv_row(row: dict[Any, Any]) -> Row:
    if None in row or None in row.values():
        return "not as many cells as the header has columns"
    if any("\udc80" <= letter <= "\udcff" for cell in row.values() for letter in cell):
        return "not UTF-8"
    return {name: cell or None for name, cell in row.items()}


def _arrow_rows(batches: Callable[[Path], Iterator[pa.RecordBatch]], path: Path) -> Iterator[Row]:
    for batch in batches(path):
        yield from (_arrow_row(batch, index) for index in range(batch.num_rows))


def _arrow_row(batch: pa.RecordBatch, index: int) -> Row:
    try:
        row = batch.slice(index, 1).to_pylist()[0]
    # What Arrow holds and Python does not: broken text, dates without end.
    except (ArithmeticError, ValueError, pa.ArrowException) as error:
        return f"a cell cannot be read: {error}"
    if any(isinstance(cell, str) and len(cell) > LONGEST_ITEM for cell in row.values()):
        return f"a cell of more than {LONGEST_ITEM:,} characters"
    return row
