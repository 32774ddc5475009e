"""Files of Arrow tables, Parquet or the stream that `datasets` saves: schema, and one column of all rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vzero.errors import SourceError
from vzero.untrusted.parquet import read_batches


def arrow_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """All rows of a stream in order, some at a time. Raises SourceError when it cannot be read."""
    try:
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                batch.validate(full=True)  # offsets that lead elsewhere would end the process
                yield batch
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path}: not a readable Arrow stream: {error}") from error


def schema_of(path: Path) -> pa.Schema:
    """Raises SourceError when the file cannot be read."""
    try:
        if path.suffix.lower() != ".arrow":
            return pq.read_schema(path)
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
            return stream.schema
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path}: neither a Parquet file nor an Arrow stream: {error}") from error


def column_of(path: Path, name: str) -> Iterator[Any]:
    """A column's cells as Python values; nothing of a column that is not there."""
    arrow = path.suffix.lower() == ".arrow"
    for batch in arrow_batches(path) if arrow else read_batches(path, [name]):
        if name in batch.schema.names:
            yield from batch.column(name).to_pylist()
