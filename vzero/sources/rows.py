"""Rows of JSONL, CSV and Parquet files as dictionaries, one at a time; a broken row spoils no other."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vzero.sources.annotation import Annotation, SourceError
from vzero.sources.json_stream import list_items
from vzero.sources.rejects import Reject, RejectCode

Row = dict[str, Any] | str  # the cells by column, or why there are none

LOOK_AHEAD = 100  # JSONL rows that may leave out a key before its column counts as missing
LONGEST_CELL = 2**27  # characters of a CSV cell


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of a file in order; `SourceError` when it cannot be read or lacks one of the columns.

    Blank lines are no rows. A row that cannot be understood is the reason for that, as text.
    """
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".csv": _csv, ".parquet": _parquet}
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"{path}: unknown kind of table; allowed: {', '.join(readers)}")
    rows = reader(path)
    first = list(islice(rows, LOOK_AHEAD))
    found = dict.fromkeys(key for row in first if isinstance(row, dict) for key in row)
    missing = [column for column in columns if column not in found]
    if found and missing:
        raise SourceError(f"{path}: no column {missing[0]!r}; it has: {', '.join(found)}")
    return chain(first, rows)


def annotate_rows(
    rows: Iterator[Row],
    annotate: Callable[[int, dict[str, Any]], Annotation | Reject],
    numbers: Iterator[int] | None = None,
) -> Iterator[Annotation | Reject]:
    """What `annotate` makes of each row, given its number; of a row that cannot be read, a reject.

    `numbers` lets the rows of several files be counted on; without it they count from 0.
    """
    numbers = count() if numbers is None else numbers
    for row in rows:
        number = next(numbers)
        if isinstance(row, str):
            yield Reject(number, RejectCode.MALFORMED_ROW, row)
        else:
            yield annotate(number, row)


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            if line.strip():
                yield _json_row(line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line)


def _json(path: Path) -> Iterator[Row]:
    """One list of rows, or, as some call their JSONL files too, a row a line."""
    with path.open("rb") as file:
        start = b""
        while not start and (block := file.read(4096)):
            start = block.lstrip()
    if not start.startswith(b"["):
        yield from _jsonl(path)
        return
    for row in list_items(path):
        yield row if isinstance(row, dict) else f"not a JSON object but {type(row).__name__}"


def _json_row(line: bytes) -> Row:
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} at byte {error.start}"
    except (ValueError, RecursionError) as error:  # ValueError also for numbers of thousands of digits
        return f"not JSON: {error}"
    return row if isinstance(row, dict) else f"not a JSON object but {type(row).__name__}"


def _csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    # Broken bytes become lone surrogates, which spoil their own row only.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file)
        try:
            names = reader.fieldnames or []
        except csv.Error as error:
            raise SourceError(f"{path}: header is no CSV: {error}") from error
        if not all(names) or len(set(names)) < len(names):
            raise SourceError(f"{path}: columns without a name, or of the same name: {', '.join(names)}")
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield f"not CSV: {error}"
            else:
                yield _csv_row(row)


def _csv_row(row: dict[Any, Any]) -> Row:
    if None in row or None in row.values():
        return "not as many cells as the header has columns"
    if any("\udc80" <= letter <= "\udcff" for cell in row.values() for letter in cell):
        return "not UTF-8"
    return {name: cell or None for name, cell in row.items()}


def _parquet(path: Path) -> Iterator[Row]:
    try:
        with pq.ParquetFile(path) as file:
            # Of several row groups asked for at once, pyarrow keeps all in memory until the last.
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(batch_size=100, row_groups=[group]):
                    yield from (_parquet_row(batch, index) for index in range(batch.num_rows))
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path}: not a readable Parquet file: {error}") from error


def _parquet_row(batch: pa.RecordBatch, index: int) -> Row:
    try:
        return batch.slice(index, 1).to_pylist()[0]
    except (UnicodeDecodeError, pa.ArrowException) as error:
        return f"a cell cannot be read: {error}"
