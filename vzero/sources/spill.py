"""Checked rows on disk until all of them are known, and the tables made of them.

Each batch writes its images' bytes to `bytes/`, its rows to `images/NNNNN/` and `samples/NNNNN/` (one folder
a shard) and, last of all, `rejects/`; so an interrupted run knows which batches are done, and a shard is put
together by reading only its own rows, and of the bytes a row group at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from vzero import shards, tables
from vzero.config import Ingest
from vzero.sources.annotation import Annotation, Batch
from vzero.sources.cells import printable
from vzero.sources.check import Shelf, check
from vzero.sources.convention_counts import write_counts
from vzero.sources.curation import measure
from vzero.sources.files import Images
from vzero.sources.rejects import Reject, RejectCode, Rejected

LONGEST_DETAIL = 300  # characters


def is_done(folder: Path, number: int) -> bool:
    return _part(folder / "rejects", number).is_file()


def count_done(folder: Path) -> int:
    """Batches that an earlier run of the same work has finished."""
    return len(list((folder / "rejects").glob("batch-*.parquet")))


def check_batch(number: int, batch: Batch, images: Images | None, config: Ingest, folder: Path) -> int:
    """Check every row of a batch and write what becomes of it; the number of rows."""
    samples, rejects = [], []
    with shards.atomic_path(_stored(folder, number)) as stored, stored.open("w+b") as file:
        shelf = Shelf(config.source, images, config.max_megapixels, file)
        for annotation in batch.load():
            if isinstance(annotation, Reject):
                rejects.append(annotation)
                continue
            try:
                samples.append(check(annotation, shelf, config) | {"row": annotation.row})
            except Rejected as rejected:
                rejects.append(_reject(annotation, rejected))
        file.flush()
    used = {sample["image_id"] for sample in samples}
    place = {"batch": number}
    images_used = [row | place for image_id, row in shelf.rows.items() if image_id in used]
    _write(folder / "images", number, images_used, tables.Images, config.shards)
    _write(folder / "samples", number, samples, tables.Samples, config.shards)
    write_counts(folder, number, shelf.seen)
    path = _part(folder / "rejects", number)
    with shards.atomic_path(path) as temporary:
        reject_frame(rejects, config.source).write_parquet(temporary)
    return len(samples) + len(rejects)


def _write(
    folder: Path, number: int, rows: list[dict[str, Any]], schema: type[dy.Schema], count: int
) -> None:
    frame = pl.DataFrame(rows, schema=_columns(schema))
    index = [shards.shard_of(image_id, count) for image_id in frame["image_id"]]
    for shard, part in (
        frame.with_columns(shard=pl.Series(index, dtype=pl.Int64))
        .partition_by("shard", as_dict=True, include_key=False)
        .items()
    ):
        with shards.atomic_path(_part(folder / f"{shard[0]:05d}", number)) as temporary:
            part.write_parquet(temporary, compression="uncompressed")


def _columns(schema: type[dy.Schema]) -> dict[str, Any]:
    """Columns of the parts: those of the table and what they are put together by."""
    columns = dict(schema.create_empty().schema)
    if schema is tables.Samples:
        return columns | {"row": pl.Int64, "content": pl.String}
    del columns["bytes"]
    return columns | {"batch": pl.Int64, "place": pl.Int64, "length": pl.Int64}


def _stored(folder: Path, number: int) -> Path:
    return folder / "bytes" / f"batch-{number:07d}"


def _part(folder: Path, number: int) -> Path:
    return folder / f"batch-{number:07d}.parquet"


def _reject(annotation: Annotation, rejected: Rejected) -> Reject:
    name, sample_id = annotation.image, annotation.sample_id
    if isinstance(name, (list, tuple)) and len(name) == 1:
        name = name[0]
    return Reject(
        annotation.row,
        rejected.code,
        rejected.detail,
        sample_id=str(sample_id) if sample_id is not None else None,
        image=name if isinstance(name, str) else None,
    )


def reject_frame(rejects: Iterable[Reject], source: str) -> pl.DataFrame:
    """Rows of `tables.Rejects`, not yet checked."""

    def text(value: str | None) -> str | None:
        return None if value is None else printable(value[:LONGEST_DETAIL])

    rows = [
        {
            "source": source,
            "row": reject.row,
            "sample_id": text(reject.sample_id),
            "image": text(reject.image),
            "code": str(reject.code),
            "detail": text(reject.detail),
        }
        for reject in rejects
    ]
    return shards.frame_of(rows, tables.Rejects)


def collect_rejects(folder: Path, source: str) -> tuple[pl.DataFrame, set[int]]:
    """All rejects in the order of their rows, and the rows among the samples that repeat an id."""
    repeated = _find_repeated(folder)
    again = reject_frame(repeated, source)
    parts = [pl.read_parquet(path) for path in sorted((folder / "rejects").glob("batch-*.parquet"))]
    return pl.concat([*parts, again]).sort("row"), {reject.row for reject in repeated}


def _find_repeated(folder: Path) -> list[Reject]:
    """A reject for every sample whose id an earlier row has."""
    parts = sorted((folder / "samples").glob("*/batch-*.parquet"))
    if not parts:
        return []
    rows = pl.scan_parquet(parts)
    # Of all ids only eight bytes are held, and of those that may be repeated all.
    hashes = rows.select(pl.col("sample_id").hash()).collect()["sample_id"]
    several = hashes.filter(hashes.is_duplicated()).unique()
    if several.is_empty():
        return []
    ids = (
        rows.filter(pl.col("sample_id").hash().is_in(several.implode()))
        .select("row", "sample_id", "content")
        .collect()
    )
    by_row = ids.sort("row")
    first = by_row.unique("sample_id", keep="first").rename({"row": "first", "content": "first_content"})
    later = by_row.join(first, on="sample_id").filter(pl.col("row") != pl.col("first")).sort("row")
    return [_repeats(row) for row in later.iter_rows(named=True)]


def _repeats(row: dict[str, Any]) -> Reject:
    agrees = "the same content as" if row["content"] == row["first_content"] else "other content than"
    detail = f"{agrees} row {row['first']}, which is kept"
    return Reject(row["row"], RejectCode.DUPLICATE_ID, detail, sample_id=row["sample_id"])


def measure_rows(folder: Path, repeated: set[int]) -> pl.DataFrame:
    """What the filters look at (`curation.measure`), of all samples but those in the rows `repeated`."""

    def scan(name: str, schema: type[dy.Schema]) -> pl.LazyFrame:
        parts = sorted((folder / name).glob("*/batch-*.parquet"), key=lambda path: path.name)
        return pl.scan_parquet(parts) if parts else pl.LazyFrame(schema=_columns(schema))

    samples, images = scan("samples", tables.Samples), scan("images", tables.Images)
    return measure(samples, images).filter(~pl.col("row").is_in(list(repeated)))


def merge_shard(folder: Path, shard: int, left_out: set[int], images: Path, samples: Path) -> int:
    """Write one shard of both tables from its parts, without the rows `left_out`; the number of samples."""
    kept = _gather(folder / "samples" / f"{shard:05d}", tables.Samples)
    kept = kept.filter(~pl.col("row").is_in(list(left_out))).drop("row", "content")
    pictures = _gather(folder / "images" / f"{shard:05d}", tables.Images)
    pictures = pictures.unique("image_id", keep="first", maintain_order=True)
    pictures = pictures.join(kept, on="image_id", how="semi")
    shards.write_groups(
        shards.shard_path(images, shard),
        pictures,
        tables.Images,
        weights=pictures["length"],
        load=lambda rows: _with_bytes(folder, rows),
    )
    shards.write_table(shards.shard_path(samples, shard), kept, tables.Samples)
    return len(kept)


def _gather(folder: Path, schema: type[dy.Schema]) -> pl.DataFrame:
    empty = pl.DataFrame(schema=_columns(schema))
    parts = sorted(folder.glob("batch-*.parquet"))
    return pl.concat([empty, *(pl.read_parquet(path) for path in parts)])


def _with_bytes(folder: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `tables.Images`, with the bytes that the parts only point at."""
    data = []
    for batch, place, length in rows.select("batch", "place", "length").iter_rows():
        with _stored(folder, batch).open("rb") as file:
            file.seek(place)
            data.append(file.read(length))
    return rows.with_columns(bytes=pl.Series(data, dtype=pl.Binary)).drop("batch", "place", "length")
