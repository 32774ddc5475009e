"""One shard of our tables as files of the verl form, in the same memory whatever its size.

Crops of a shard are in the order of its samples, so they are read side by side. Images are in another, so
their bytes are first copied to a file that can be read at any place.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from vzero import imaging, shards
from vzero.commands.verl_row import CROP_COLUMNS, SAMPLE_COLUMNS, SCHEMA, left_out, verl_row
from vzero.errors import ProjectError

Split = Literal["train", "dev"]

ROW_GROUP = 25  # rows; each holds a full image, and so many are in memory at once


@dataclass(frozen=True)
class TableShard:
    """The same shard of the three tables."""

    images: Path
    samples: Path
    crops: Path

    def rows(
        self, samples: list[str], crops: list[str]
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None, tuple[int, int]]]:
        """Every sample with its crops, `None` without a box, and its (first) image's width and height.

        `evidence_box` must be among the columns. Raises ProjectError when crops or image lack.
        """
        sizes = _rows(self.images, ["image_id", "width", "height"])
        extents = {row["image_id"]: (row["width"], row["height"]) for row in sizes}
        cut = _rows(self.crops, crops)
        for sample in _rows(self.samples, samples):
            crop = None if sample["evidence_box"] is None else next(cut, {"sample_id": None})
            if crop is not None and crop["sample_id"] != sample["sample_id"]:
                raise self._others()
            if sample["image_id"] not in extents:
                raise ProjectError(f"{self.images}: no image {sample['image_id']}; run ingest again")
            yield sample, crop, extents[sample["image_id"]]
        if next(cut, None) is not None:
            raise self._others()

    def _others(self) -> ProjectError:
        return ProjectError(f"{self.crops}: not the crops of {self.samples}; run crops again")


def _rows(path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(path) as file:
        # Of several row groups asked for at once, pyarrow keeps all in memory until the last.
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(ROW_GROUP, row_groups=[group], columns=columns):
                yield from batch.to_pylist()


def count_rows(shard: TableShard, splits: tuple[Split, ...]) -> tuple[Counter[str], Counter[str]]:
    """Rows of these splits that are exported, by split, and that are left out, by reason. Opens no image."""
    exported, reasons = Counter(), Counter()
    texts = ["sample_id", "image_id", "more_image_ids", "question", "options", "evidence_box", "split"]
    facts = ["sample_id", "fallback", "strategy", "width", "height"]
    for sample, crop, extent in shard.rows(texts, facts):
        if sample["split"] in splits:
            reason = left_out(sample, crop, extent)
            counts, name = (exported, sample["split"]) if reason is None else (reasons, reason)
            counts[name] += 1
    return exported, reasons


def write_shard(shard: TableShard, split: Split, first: int, files: list[Path], rows: int) -> int:
    """Write the exported rows of one split to `files`, `rows` to each but the last; the number of rows.

    `first` is the index of the first row.
    """
    with _image_bytes(shard.images, files[0].parent) as image_of:
        found = (
            (sample, crop)
            for sample, crop, extent in shard.rows(SAMPLE_COLUMNS, CROP_COLUMNS)
            if sample["split"] == split and crop is not None and left_out(sample, crop, extent) is None
        )
        made = (
            verl_row(sample, crop, *image_of(sample["image_id"]), index=index)
            for index, (sample, crop) in enumerate(found, start=first)
        )
        return sum(_write(path, islice(made, rows)) for path in files)


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    written = 0
    with (
        shards.atomic_path(path) as temporary,
        # Dictionaries are made for values that repeat; encoded images do not.
        pq.ParquetWriter(temporary, SCHEMA, compression="zstd", use_dictionary=False) as writer,
    ):
        while group := list(islice(rows, ROW_GROUP)):
            writer.write_batch(pa.RecordBatch.from_pylist(group, schema=SCHEMA))
            written += len(group)
    return written


@contextlib.contextmanager
def _image_bytes(images: Path, folder: Path) -> Iterator[Callable[[str], tuple[bytes, str]]]:
    """A function that gives an image's bytes and licence by its id."""
    places: dict[str, tuple[int, int, str]] = {}
    with tempfile.TemporaryFile(dir=folder) as file:
        for row in _rows(images, ["image_id", "bytes", "licence"]):
            # The reference lays only one kind of transparent picture on white.
            data = imaging.without_transparency(row["bytes"])
            places[row["image_id"]] = file.tell(), len(data), row["licence"]
            file.write(data)

        def read(image_id: str) -> tuple[bytes, str]:
            start, length, licence = places[image_id]
            file.seek(start)
            return file.read(length), licence

        yield read
