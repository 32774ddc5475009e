"""Pictures and files as publishers write them."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def picture(number: int = 0, form: str = "PNG", mode: str = "RGB", **settings: Any) -> bytes:
    """An encoded image of 48 x 32, another for every number."""
    pixels = np.random.default_rng(number).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, form, **settings)
    return buffer.getvalue()


def base64_of(image: bytes) -> str:
    return base64.b64encode(image).decode()


def write_tsv(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A TSV as pandas writes one: minimal quotes, empty cells for None."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A TSV or a Parquet file, as the name says."""
    if path.suffix == ".tsv":
        return write_tsv(path, rows)
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path
