"""The pictures of the data page: samples with their boxes, near-duplicates, and what rejects refer to."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Any

import polars as pl
import xxhash

from vzero import tables
from vzero.config import ConfigError, Ingest
from vzero.imaging import ImageError
from vzero.paths import Paths
from vzero.quality.inputs import Inputs
from vzero.quality.measures import evidence
from vzero.report.lookup import rows_by_id
from vzero.report.pictures import Picture, embed
from vzero.sources.files import Images, open_images, read_image
from vzero.sources.rejects import Rejected

SAMPLE_SIDE, THUMBNAIL_SIDE = 400, 200  # pixels of the longer side at most
SAMPLES = 4  # of each kind: drawn, smallest evidence, largest evidence
PAIRS = 4
REJECTS = 8  # of each code


@dataclass(frozen=True)
class SampleCard:
    why: str
    image: Picture
    boxes: list[tuple[str, list[float]]]
    question: str
    options: list[tuple[str, str]]
    answer: str
    area: float  # of the evidence, as a share of the image
    sample_id: str


@dataclass(frozen=True)
class Pair:
    images: tuple[Picture, Picture]
    distance: int  # bits
    ids: tuple[str, str]


@dataclass(frozen=True)
class RejectGroup:
    code: str
    count: int
    examples: list[dict[str, Any]]  # rows of tables.Rejects with `picture`, which may be None


def sample_cards(inputs: Inputs, source: str, paths: Paths) -> list[SampleCard]:
    """Some samples of a source: drawn by a hash of the id, and those of the smallest and largest evidence."""
    measured = evidence(inputs.samples.filter(source=source))
    order = [xxhash.xxh64_intdigest(name.encode()) for name in measured["sample_id"]]
    shuffled = measured.with_columns(order=pl.Series(order, dtype=pl.UInt64)).sort("order").drop("order")
    by_area = measured.sort("area", "sample_id")
    chosen = pl.concat(
        frame.with_columns(why=pl.lit(why))
        for why, frame in (
            ("drawn", shuffled.head(SAMPLES)),
            ("smallest evidence", by_area.head(SAMPLES)),
            ("largest evidence", by_area.tail(SAMPLES)),
        )
    ).unique("sample_id", keep="first", maintain_order=True)
    images = rows_by_id(paths.images, tables.Images, "image_id", chosen["image_id"])
    return [_card(row, images[row["image_id"]]["bytes"]) for row in chosen.iter_rows(named=True)]


def _card(row: dict[str, Any], image: bytes) -> SampleCard:
    return SampleCard(
        why=row["why"],
        image=embed(image, SAMPLE_SIDE),
        boxes=[("evidence", box) for box in row["boxes"]],
        question=row["question"],
        options=list(zip(string.ascii_uppercase, row["options"], strict=False)),
        answer="not given" if row["answer"] is None else row["answer"],
        area=row["area"],
        sample_id=row["sample_id"],
    )


def nearest_pairs(near: pl.DataFrame, source: str, paths: Paths) -> list[Pair]:
    """The nearest of the near-duplicates, each pair once."""
    both = pl.concat_list("image_id", "other_id").list.sort()
    pairs = near.filter(source=source).with_columns(both=both)
    chosen = pairs.unique("both", keep="first", maintain_order=True).head(PAIRS)
    ids = [*chosen["image_id"], *chosen["other_id"]]
    images = rows_by_id(paths.images, tables.Images, "image_id", ids)
    small = {name: embed(row["bytes"], THUMBNAIL_SIDE) for name, row in images.items()}
    return [
        Pair(images=(small[one], small[other]), distance=distance, ids=(one, other))
        for one, other, distance in chosen.select("image_id", "other_id", "distance").iter_rows()
    ]


def reject_groups(inputs: Inputs, source: str, ingest: Ingest, paths: Paths) -> list[RejectGroup]:
    """The rejects of a source by code, the commonest first, with the first rows of each.

    An example has a picture where its path leads to one in the images of `ingest`.
    """
    images = _open_images(ingest, paths) if source == ingest.source else None
    rejects = inputs.rejects.filter(source=source)
    counted = rejects.group_by("code").len().sort("len", "code", descending=[True, False])
    groups = []
    for code, count in counted.iter_rows():
        first = rejects.filter(code=code).sort("row").head(REJECTS)
        groups.append(RejectGroup(code, count, [_example(row, images) for row in first.to_dicts()]))
    return groups


def _open_images(ingest: Ingest, paths: Paths) -> Images | None:
    place = getattr(getattr(ingest, ingest.source), "images", None)
    if place is None:
        return None
    try:
        return open_images(paths.resolve(place), paths.scratch)
    except ConfigError:  # the tables are here, the images they came from are not
        return None


def _example(row: dict[str, Any], images: Images | None) -> dict[str, Any]:
    if images is None or row["image"] is None:
        return row | {"picture": None}
    try:
        return row | {"picture": embed(read_image(images, row["image"]), THUMBNAIL_SIDE)}
    except (Rejected, ImageError):
        return row | {"picture": None}
