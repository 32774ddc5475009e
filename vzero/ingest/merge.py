"""The tables of a run, made of its checked parts (`checked_parts`).

Whatever the number of rows, only an index of them is held: a position and a shard each, and the ids of those
that may be repeated. Texts are read a shard at a time, and encoded images a row group at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import dataframely as dy
import numpy as np
import polars as pl
import pyarrow as pa

from vzero import shards, tables
from vzero.errors import ChangedError
from vzero.ingest import checked_parts
from vzero.ingest.image_store import digest
from vzero.ingest.sharding import ShardEnds, assign_shards
from vzero.untrusted.files import Images, read_image
from vzero.untrusted.rejects import RejectCode, Rejected

WHERE = ("path", "batch", "place", "length", "digest")  # of an image's bytes
BATCHES_OF_REJECTS = 4_000  # whose rejects share a file


def scan_parts(folder: Path, schema: type[dy.Schema]) -> pl.LazyFrame:
    """All parts of a table in the order of their rows, with the columns of `checked_parts.columns`."""
    found = checked_parts.parts(folder, schema)
    return pl.scan_parquet(found) if found else pl.LazyFrame(schema=checked_parts.columns(schema))


def find_repeated(folder: Path) -> pl.DataFrame:
    """The samples whose id an earlier row has: position, code and detail."""
    rows = scan_parts(folder, tables.Samples)
    # Of all ids only eight bytes are held, and of those that may be repeated all.
    hashes = rows.select(pl.col("sample_id").hash()).collect()["sample_id"]
    several = hashes.filter(hashes.is_duplicated()).unique()
    ids = (
        rows.filter(pl.col("sample_id").hash().is_in(several.implode()))
        .select("position", "source", "row", "sample_id", "content")
        .collect()
    )
    first = ids.unique("sample_id", keep="first", maintain_order=True)
    later = ids.join(first, on="sample_id", suffix="_first", maintain_order="left")
    agrees = pl.when(pl.col("content") == pl.col("content_first")).then(pl.lit("the same content as"))
    where = (
        pl.when(pl.col("source") == pl.col("source_first"))
        .then(pl.lit(""))
        .otherwise(pl.format(" of {}", "source_first"))
    )
    return later.filter(pl.col("position") != pl.col("position_first")).select(
        "position",
        code=pl.lit(str(RejectCode.DUPLICATE_ID)),
        detail=pl.format(
            "{} row {}{}, which is kept",
            agrees.otherwise(pl.lit("other content than")),
            "row_first",
            where,
        ),
    )


def find_suspects(folder: Path) -> pl.DataFrame:
    """Images of which rows were rejected for boxes on another grid: image_id and suspicion, why, as text.

    Neither depends on the order of the rows.
    """
    rejects = scan_parts(folder, tables.Rejects).filter(pl.col("image_id").is_not_null())
    counted = rejects.group_by("image_id").agg(rows=pl.len(), codes=pl.col("code").unique().sort()).collect()
    suspicion = pl.format("rejected rows about the image: {}, {}", "rows", pl.col("codes").list.join(", "))
    return counted.sort("image_id").select("image_id", suspicion=suspicion)


def count_marked(
    folder: Path, left_out: pl.DataFrame, column: Literal["repairs", "cleanings"]
) -> pl.DataFrame:
    """How many samples a source's repairs (`repairs.Repair`) or cleanings (`cleaning.Cleaning`) are in.

    Columns source, `column` and samples; without the samples of `left_out`.
    """
    samples = scan_parts(folder, tables.Samples).select("position", "source", column)
    marked = samples.filter(pl.col(column).list.len() > 0).collect()
    kept = marked.join(left_out, on="position", how="anti").explode(column)
    return kept.group_by("source", column).agg(samples=pl.len()).sort("source", column)


def count_objects(folder: Path) -> pl.DataFrame:
    """`tables.Objects` of all batches."""
    keys = ["source", "category", "fate"]
    return scan_parts(folder, tables.Objects).group_by(keys).agg(pl.col("objects").sum()).sort(keys).collect()


def write_rejects(
    folder: Path, target: Path, left_out: pl.DataFrame, unusable: pl.DataFrame
) -> Counter[tuple[str, str]]:
    """Write the table of rejects in the order of the rows; how many of the samples' by source and code.

    `left_out` are checked samples with position, code and detail; `unusable` are the rejects of benchmarks,
    which go into the same table, at its end.
    """
    samples = scan_parts(folder, tables.Samples).select("position", "source", "row", "sample_id", "image")
    more = samples.join(left_out.lazy(), on="position").collect()
    schema = tables.Rejects.create_empty().schema
    columns = ["position", *schema]
    counts: Counter[tuple[str, str]] = Counter()
    found = checked_parts.parts(folder, tables.Rejects)
    starts = range(0, max(len(found), 1), BATCHES_OF_REJECTS)
    for number, first in enumerate(starts):
        group = found[first : first + BATCHES_OF_REJECTS]
        of_group = (pl.col("position") // checked_parts.MOST_ROWS).is_between(first, first + len(group) - 1)
        parts = [
            pl.DataFrame(schema=checked_parts.columns(tables.Rejects)).select(columns),
            *(pl.read_parquet(path, columns=columns) for path in group),
            more.filter(of_group).select(columns),
        ]
        rejects = pl.concat(parts).sort("position").select(list(schema))
        for source, code, count in rejects.group_by("source", "code").len().iter_rows():
            counts[source, code] += count
        frame = pl.concat([rejects, unusable]) if number == len(starts) - 1 else rejects
        shards.write_table(shards.shard_path(target, number), frame, tables.Rejects)
    return counts


@dataclass(frozen=True)
class Shard:
    """What one file of images, and one of samples, is made of."""

    number: int
    image_ids: list[str]
    image_batches: list[int]
    """The first batches that have these images, ascending: what they say of an image counts."""
    suspects: list[str]
    """Those of the images that are (`tables.Images`), ascending."""
    positions: np.ndarray
    """Of the samples; none where all of the images are further ones of samples elsewhere."""


def plan_shards(
    folder: Path, left_out: pl.DataFrame, suspects: pl.DataFrame, shard_images: int
) -> Iterator[Shard]:
    """All shards, without the samples of `left_out`; `suspects` has the column image_id.

    Images stand in the order in which the samples first show them, and all samples with their first image.
    """
    shown = scan_parts(folder, tables.Samples).select("position", image_id=tables.SHOWN_IMAGES)
    rows = shown.explode("image_id").collect()
    ids = rows["image_id"].unique(maintain_order=True)
    rows = rows.with_columns(image_id=pl.col("image_id").cast(pl.Enum(ids)))  # four bytes a row
    first = rows.group_by("image_id").agg(batch=pl.col("position").min() // checked_parts.MOST_ROWS)
    kept = rows.join(left_out, on="position", how="anti", maintain_order="left")
    images = kept.select("image_id").unique(maintain_order=True)
    numbers = assign_shards(images["image_id"].cast(pl.String), shard_images)
    images = images.with_columns(shard=pl.Series(numbers)).join(first, on="image_id", maintain_order="left")
    with_first = kept.filter(pl.col("position").ne_missing(pl.col("position").shift()))
    placed = with_first.join(images, on="image_id", maintain_order="left")
    samples = placed.partition_by("shard", as_dict=True)
    for (number,), pictures in images.partition_by("shard", as_dict=True, maintain_order=True).items():
        ids = pictures["image_id"].cast(pl.String)
        yield Shard(
            number,
            ids.to_list(),
            pictures["batch"].unique().sort().to_list(),
            ids.filter(ids.is_in(suspects["image_id"].implode())).sort().to_list(),
            samples[number,]["position"].to_numpy() if (number,) in samples else np.empty(0, np.int64),
        )


class FirstShards:
    """Shards of images that are complete while later rows are still being checked.

    Writing them at once keeps the disk busy beside the processors. That no sample of them is left out, and no
    later row makes one a suspect, is a guess, which `write_shard` looks at again.
    """

    def __init__(self, folder: Path, shard_images: int) -> None:
        self._folder = folder
        self._ends = ShardEnds(shard_images)
        self._seen: set[int] = set()
        self._ids: list[str] = []
        self._batches: list[int] = []
        self._suspects: set[str] = set()
        self._batch = self._number = 0

    def complete(self) -> Iterator[Shard]:
        """Those that became so since the last call."""
        while checked_parts.is_done(self._folder, self._batch):
            rejects = _read(self._folder, tables.Rejects, self._batch, ["image_id"])
            self._suspects.update(rejects["image_id"].drop_nulls())
            samples = _read(self._folder, tables.Samples, self._batch, ["image_id", "more_image_ids"])
            shown = samples.select(image_id=tables.SHOWN_IMAGES).explode("image_id")["image_id"]
            for image_id in shown.unique(maintain_order=True):
                if (key := hash(image_id)) in self._seen:
                    continue
                self._seen.add(key)
                self._ids.append(image_id)
                self._batches.append(self._batch)
                if self._ends.after(image_id):
                    batches = sorted(set(self._batches))
                    suspects = sorted(self._suspects.intersection(self._ids))
                    yield Shard(self._number, self._ids, batches, suspects, np.empty(0, np.int64))
                    self._ids, self._batches, self._number = [], [], self._number + 1
            self._batch += 1


def write_images(folder: Path, shard: Shard, opened: Mapping[str, Images | None], target: Path) -> None:
    """Write one shard of the images from the parts and the sources' images, unless it is there already.

    `opened` are the images of each source. Raises ChangedError when one is no longer what it was.
    """
    path = shards.shard_path(target, shard.number)
    wanted = pl.DataFrame({"image_id": sorted(shard.image_ids)})
    wanted = wanted.with_columns(suspect=pl.col("image_id").is_in(shard.suspects))
    if path.is_file() and pl.read_parquet(path, columns=wanted.columns).equals(wanted):
        return
    index = (
        pl.concat(_read(folder, tables.Images, batch) for batch in shard.image_batches)
        .unique("image_id", keep="first", maintain_order=True)
        .join(wanted, on="image_id", maintain_order="left")
    )
    # Many megabytes pass through here: bytes are checked by their hash, the other columns here.
    checked = tables.Images.validate(index.with_columns(bytes=pl.lit(b"")), cast=True)
    shards.write_groups(
        path,
        checked.hstack(index.select(WHERE)),
        tables.Images,
        weights=index["length"],
        load=lambda rows: _with_bytes(folder, opened, rows),
    )


def write_shard(
    folder: Path, shard: Shard, opened: Mapping[str, Images | None], images: Path, samples: Path
) -> None:
    """Write one shard of both tables."""
    write_images(folder, shard, opened, images)
    batches = np.unique(shard.positions // checked_parts.MOST_ROWS).tolist()
    chosen = pl.col("position").is_in(pl.Series(shard.positions).implode())
    kept = [_read(folder, tables.Samples, batch).filter(chosen) for batch in batches]
    table = pl.concat(kept).select(tables.Samples.column_names()) if kept else tables.Samples.create_empty()
    shards.write_table(shards.shard_path(samples, shard.number), table, tables.Samples)


def _read(
    folder: Path, schema: type[dy.Schema], batch: int, columns: list[str] | None = None
) -> pl.DataFrame:
    return pl.read_parquet(checked_parts.part(folder, schema, batch), columns=columns)


def _with_bytes(folder: Path, opened: Mapping[str, Images | None], rows: pl.DataFrame) -> pa.Table:
    """Rows of `tables.Images`, with the bytes that the parts only point at."""
    data = [_bytes(folder, opened, row) for row in rows.iter_rows(named=True)]
    table = rows.drop(WHERE).to_arrow()
    place = table.schema.get_field_index("bytes")
    return table.set_column(
        place, "bytes", pa.array(data, pa.large_binary(), memory_pool=pa.system_memory_pool())
    )


def _bytes(folder: Path, opened: Mapping[str, Images | None], row: dict[str, Any]) -> bytes:
    images = opened[row["source"]]
    if row["path"] is None or images is None:
        with checked_parts.stored_bytes(folder, row["batch"]).open("rb") as file:
            file.seek(row["place"])
            return file.read(row["length"])
    try:
        data = read_image(images, row["path"])
    except Rejected:
        data = b""
    if digest(data) != row["digest"]:
        raise ChangedError(f"{row['source']}: image {row['path']} changed while ingest ran; run it again")
    return data
