"""Checked rows on disk until all of them are known, and the tables made of them.

Each batch writes its rows to `images/NNNNN/`, `samples/NNNNN/` (one folder a shard) and, last of all,
`rejects/`; so an interrupted run knows which batches are done, and a shard is put together by reading
only its own rows.
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
    shelf = Shelf(config.source, images, config.max_megapixels)
    samples, rejects = [], []
    for annotation in batch.load():
        if isinstance(annotation, Reject):
            rejects.append(annotation)
            continue
        try:
            samples.append(check(annotation, shelf, config) | {"row": annotation.row})
        except Rejected as rejected:
            rejects.append(_reject(annotation, rejected))
    used = {sample["image_id"] for sample in samples}
    images_used = [row for image_id, row in shelf.rows.items() if image_id in used]
    _write(folder / "images", number, images_used, tables.Images, config.shards)
    _write(folder / "samples", number, samples, tables.Samples, config.shards)
    path = _part(folder / "rejects", number)
    with shards.atomic_path(path) as temporary:
        reject_frame(rejects, config.source).write_parquet(temporary)
    return len(samples) + len(rejects)


def _write(
    folder: Path, number: int, rows: list[dict[str, Any]], schema: type[dy.Schema], count: int
) -> None:
    extra = {"row": pl.Int64, "content": pl.String} if schema is tables.Samples else {}
    frame = pl.DataFrame(rows, schema=schema.create_empty().schema | extra)
    index = [shards.shard_of(image_id, count) for image_id in frame["image_id"]]
    for shard, part in (
        frame.with_columns(shard=pl.Series(index, dtype=pl.Int64))
        .partition_by("shard", as_dict=True, include_key=False)
        .items()
    ):
        with shards.atomic_path(_part(folder / f"{shard[0]:05d}", number)) as temporary:
            part.write_parquet(temporary, compression="uncompressed")


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
    ids = pl.concat([pl.read_parquet(path, columns=["row", "sample_id", "content"]) for path in parts])
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
    samples, images = (
        pl.scan_parquet(sorted((folder / name).glob("*/batch-*.parquet"), key=lambda path: path.name))
        for name in ("samples", "images")
    )
    return measure(samples, images).filter(~pl.col("row").is_in(list(repeated)))


def merge_shard(folder: Path, shard: int, left_out: set[int], images: Path, samples: Path) -> int:
    """Write one shard of both tables from its parts, without the rows `left_out`; the number of samples."""
    kept = _gather(folder / "samples" / f"{shard:05d}", tables.Samples)
    kept = kept.filter(~pl.col("row").is_in(list(left_out))).drop("row", "content")
    pictures = _gather(folder / "images" / f"{shard:05d}", tables.Images)
    pictures = pictures.unique("image_id", keep="first", maintain_order=True)
    pictures = pictures.join(kept, on="image_id", how="semi")
    shards.write_table(shards.shard_path(images, shard), pictures, tables.Images)
    shards.write_table(shards.shard_path(samples, shard), kept, tables.Samples)
    return len(kept)


def _gather(folder: Path, schema: type[dy.Schema]) -> pl.DataFrame:
    extra = {"row": pl.Int64, "content": pl.String} if schema is tables.Samples else {}
    empty = pl.DataFrame(schema=schema.create_empty().schema | extra)
    parts = sorted(folder.glob("batch-*.parquet"))
    return pl.concat([empty, *(pl.read_parquet(path) for path in parts)])
