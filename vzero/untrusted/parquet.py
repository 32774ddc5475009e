"""Strangers' Parquet files, unpacked a few rows at a time whatever the size of their row groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from vzero.errors import SourceError

BUFFER = 2**20  # bytes of a column that are read at once
BATCH_BYTES = 2**28  # of rows that are unpacked together
LARGEST_GROUP, LARGEST_RATIO = 2**28, 100  # bytes unpacked, and times as many as packed: a Parquet bomb
MOST_VALUES = 2**26  # of a column in a row group; a few bytes may stand for any number of them


def read_batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """All rows in order, some at a time, of all columns or some. Raises SourceError when it cannot be read.

    With images in it a row group may be larger than memory. Only one page of each column is held packed and
    unpacked, besides the rows themselves; writers choose how long pages are (pyarrow's may have 1,024 rows).
    """
    try:
        # Otherwise pyarrow keeps all packed bytes of a row group until its last row.
        with pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
            # Of several row groups asked for at once, it keeps all in memory until the last.
            for group in range(file.num_row_groups):
                size = _rows_together(path, file.metadata.row_group(group))
                yield from file.iter_batches(size, row_groups=[group], columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path}: not a readable Parquet file: {error}") from error


def _rows_together(path: Path, group: pq.RowGroupMetaData) -> int:
    """How many rows to unpack at once. Raises SourceError for a group that would unpack to absurdly much."""
    columns = [group.column(number) for number in range(group.num_columns)]
    packed = sum(column.total_compressed_size for column in columns)
    if group.total_byte_size > max(LARGEST_GROUP, LARGEST_RATIO * packed):
        raise SourceError(f"{path}: {packed:,} bytes that unpack to {group.total_byte_size:,}")
    values = max((column.num_values for column in columns), default=0)
    if values > MOST_VALUES:
        raise SourceError(f"{path}: {values:,} values of a column in one row group")
    # A value may stand for all rows of a group, so each may be as large as the group is.
    return min(max(BATCH_BYTES // max(group.total_byte_size, 1), 1), 100)
