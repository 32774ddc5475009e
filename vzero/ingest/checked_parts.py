"""Checked rows on disk until all of them are known.

Each batch has a folder of its own, which is there as a whole or not at all, so an interrupted run knows what
is done: the rows of four tables, what its boxes say about their convention, and the bytes of images that are
no files of their own, one after the other. `merge` makes the tables of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from vzero import shards, tables
from vzero.config import Ingest
from vzero.ingest.check import check
from vzero.ingest.convention_counts import write_counts
from vzero.ingest.image_store import ImageStore
from vzero.ingest.prompt_tokens import count_prompt_tokens
from vzero.sources.annotation import Annotation, Batch
from vzero.untrusted.cells import printable, single_image
from vzero.untrusted.files import Images
from vzero.untrusted.rejects import OTHER_GRID, Reject, Rejected

NAMES = {
    tables.Images: "images.parquet",
    tables.Samples: "samples.parquet",
    tables.Rejects: "rejects.parquet",
    tables.Objects: "objects.parquet",
}
BYTES, COUNTS = "images.bytes", "conventions.npz"
LONGEST_DETAIL = 300  # characters
MOST_ROWS = 1_000_000  # of a batch


def is_done(folder: Path, number: int) -> bool:
    return _place(folder, number).is_dir()


def count_done(folder: Path) -> int:
    """Batches that an earlier run of the same work has finished."""
    return len(parts(folder, tables.Rejects))


def check_batch(
    number: int, batch: Batch, source: str, images: Images | None, config: Ingest, folder: Path
) -> int:
    """Check every row of a batch and write what becomes of it; the number of rows."""
    samples, rejects, objects = [], [], Counter[tuple[str, str]]()
    with shards.new_folder(_place(folder, number)) as place, (place / BYTES).open("w+b") as file:
        store = ImageStore(source, images, config.max_megapixels, config.upright, file)
        for index, annotation in enumerate(batch.load()):
            where = {"position": position(number, index)}
            objects.update(annotation.objects)
            if isinstance(annotation, Reject):
                rejects.append(reject_row(annotation, source) | where)
                continue
            try:
                sample = check(annotation, store, config)
                named = {"row": annotation.row, "image": _text(_name(annotation.image))}
                samples.append(sample | named | where | _tokens(sample, store, config))
            except Rejected as rejected:
                suspect = {"image_id": _suspect(annotation, rejected, store)}
                rejects.append(reject_row(_reject(annotation, rejected), source) | where | suspect)
        used = {image_id for sample in samples for image_id in _shown(sample)}
        images_used = [row | {"batch": number} for image_id, row in store.rows.items() if image_id in used]
        for schema, rows in (
            (tables.Images, images_used),
            (tables.Samples, samples),
            (tables.Rejects, rejects),
            (tables.Objects, [_object_row(source, *key, count) for key, count in objects.items()]),
        ):
            frame = pl.DataFrame(rows, schema=columns(schema))
            frame.write_parquet(place / NAMES[schema], compression="uncompressed")
        write_counts(place / COUNTS, source, store.boxes)
    return len(samples) + len(rejects)


def position(number: int, index: int) -> int:
    """Where a row stands among all rows of all sources: batches in their order, rows in theirs."""
    return number * MOST_ROWS + index


@cache
def columns(schema: type[dy.Schema]) -> dict[str, Any]:
    """Columns of the parts: those of the table and what the table is put together by.

    `image_id` of a reject is that of an image which it makes a suspect, else null.
    """
    stored: dict[str, Any] = dict(schema.create_empty().schema)
    if schema is tables.Images:
        del stored["bytes"], stored["suspect"]
        return stored | {
            "path": pl.String,
            "batch": pl.Int64,
            "place": pl.Int64,
            "length": pl.Int64,
            "digest": pl.UInt64,
        }
    if schema is tables.Objects:
        return stored
    stored["position"] = pl.Int64
    if schema is tables.Rejects:
        stored["image_id"] = pl.String
    if schema is tables.Samples:
        stored |= {"row": pl.Int64, "image": pl.String, "content": pl.String, "prompt_tokens": pl.Int64}
        stored |= {"repairs": pl.List(pl.String), "cleanings": pl.List(pl.String)}
    return stored


def parts(folder: Path, schema: type[dy.Schema]) -> list[Path]:
    """The parts of a table, in the order of the batches."""
    return sorted((folder / "batches").glob(f"*/{NAMES[schema]}"))


def part(folder: Path, schema: type[dy.Schema], number: int) -> Path:
    return _place(folder, number) / NAMES[schema]


def stored_bytes(folder: Path, number: int) -> Path:
    return _place(folder, number) / BYTES


def stored_counts(folder: Path) -> list[Path]:
    """What each batch says about its source's box convention (`convention_counts`)."""
    return sorted((folder / "batches").glob(f"*/{COUNTS}"))


def _place(folder: Path, number: int) -> Path:
    return folder / "batches" / f"{number:07d}"


def _tokens(sample: dict[str, Any], store: ImageStore, config: Ingest) -> dict[str, int | None]:
    settings = config.filters.prompt_tokens
    if settings is None:
        return {"prompt_tokens": None}
    images = [store.rows[image_id] for image_id in _shown(sample)]
    extents = [(image["width"], image["height"]) for image in images]
    return {"prompt_tokens": count_prompt_tokens(sample["question"], sample["options"], extents, settings)}


def _shown(sample: dict[str, Any]) -> list[str]:
    return [sample["image_id"], *sample["more_image_ids"]]


def _name(image: Any) -> Any:
    return image[0] if isinstance(image, (list, tuple)) and len(image) == 1 else image


def _reject(annotation: Annotation, rejected: Rejected) -> Reject:
    name, sample_id = _name(annotation.image), annotation.sample_id
    return Reject(
        annotation.row,
        rejected.code,
        rejected.detail,
        sample_id=str(sample_id) if sample_id is not None else None,
        image=name if isinstance(name, str) else None,
    )


def _suspect(annotation: Annotation, rejected: Rejected, store: ImageStore) -> str | None:
    """The id of an image whose other rows may be as wrong as this one."""
    if rejected.code not in OTHER_GRID:
        return None
    return store.add(single_image(annotation.image), annotation.licence).row["image_id"]


def _object_row(source: str, category: str, fate: str, count: int) -> dict[str, Any]:
    """A row of `tables.Objects`, of one batch."""
    return {"source": source, "category": printable(category), "fate": fate, "objects": count}


def _text(value: Any) -> str | None:
    return printable(value[:LONGEST_DETAIL]) if isinstance(value, str) else None


def reject_row(reject: Reject, source: str) -> dict[str, Any]:
    """A row of `tables.Rejects`."""
    return {
        "source": source,
        "row": reject.row,
        "sample_id": _text(reject.sample_id),
        "image": _text(reject.image),
        "code": str(reject.code),
        "detail": _text(reject.detail),
    }


def reject_frame(rejects: Iterable[Reject], source: str) -> pl.DataFrame:
    """Rows of `tables.Rejects`, not yet checked."""
    return shards.frame_of([reject_row(reject, source) for reject in rejects], tables.Rejects)
