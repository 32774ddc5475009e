"""VLMEvalKit's TSV files, with its way of reading them as one of two.

VLMEvalKit parses with plain `pandas.read_csv`, which takes the texts None, NA, null and some more for
missing cells and makes numbers of columns that look like numbers: an option `None` vanishes from the
question, `01` becomes `1`. With `na_cells: pandas` the same call is made, so the same options come out;
with `keep` every cell stays as it is written, and only an empty one is missing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vzero.config import NaCells
from vzero.errors import SourceError

AS_WRITTEN: dict[str, Any] = {"dtype": str, "keep_default_na": False}
ROWS_TOGETHER = 32  # whose images are in memory at once
LONGEST_REFERENCE = 64  # characters; a shorter image cell is the index of the row that holds the image


def tsv_columns(path: Path) -> tuple[str, ...]:
    """Names in the header. Raises SourceError for a file that has none."""
    with _readable(path):
        return tuple(pd.read_csv(path, sep="\t", nrows=0).columns)


def read_tsv_rows(path: Path, image_columns: Sequence[str], na_cells: NaCells) -> Iterator[dict[str, Any]]:
    """Rows in order. Image cells are base64 text, those that name another row replaced by that row's.

    The texts of all rows are held in memory, the images only of a few: files may be far larger than memory.
    """
    columns = tsv_columns(path)
    images = [name for name in image_columns if name in columns]
    texts = [name for name in columns if name not in images]
    options = AS_WRITTEN if na_cells == "keep" else {}
    with _readable(path):
        frame = pd.read_csv(path, sep="\t", usecols=texts, **options)
        rows = frame.astype(object).where(frame.notna() & (frame != ""), None).to_dict(orient="records")
        names = [str(row["index"]) for row in rows] if "index" in columns else []
        shared = _shared_images(path, images, names)
        start = 0
        for part in _image_parts(path, images):
            for row, cells in zip(rows[start : start + len(part)], part, strict=True):
                yield row | {name: shared.get(cell, cell) or None for name, cell in cells.items()}
            start += len(part)


def _image_parts(path: Path, images: Sequence[str]) -> Iterator[list[dict[str, str]]]:
    if not images:
        return
    for part in pd.read_csv(path, sep="\t", usecols=list(images), chunksize=ROWS_TOGETHER, **AS_WRITTEN):
        yield part.to_dict(orient="records")


def _shared_images(path: Path, images: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Image cells of the rows that other rows refer to, by their index."""
    named = set()
    for part in _image_parts(path, images):
        named |= {cell for cells in part for cell in cells.values() if 0 < len(cell) <= LONGEST_REFERENCE}
    found: dict[str, str] = {}
    position = 0
    for part in _image_parts(path, images) if named else ():
        for cells in part:
            cell = cells[images[0]]
            if names[position] in named and len(cell) > LONGEST_REFERENCE:
                found[names[position]] = cell
            position += 1
    return found


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not a readable TSV file: {error}") from error
