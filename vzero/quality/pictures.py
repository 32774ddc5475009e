"""The pictures of the data page: samples with their boxes, near-duplicates, and what rejects refer to."""

from __future__ import annotations

import math
import string
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import xxhash

from vzero import imaging, tables
from vzero.config import Ingest
from vzero.errors import SourceError
from vzero.imaging import ImageError
from vzero.pages.lookup import rows_by_id
from vzero.pages.pictures import FURTHER_IMAGES, Picture, embed, embed_pixels
from vzero.paths import Paths
from vzero.quality.inputs import Inputs
from vzero.quality.measures import evidence
from vzero.untrusted.files import Images, open_images, read_image
from vzero.untrusted.rejects import Rejected

SAMPLE_SIDE, THUMBNAIL_SIDE = 400, 200  # pixels of the longer side at most
SAMPLES = 12  # of all sources together and each kind: at random, smallest evidence, largest evidence
SAMPLES_A_SOURCE = 4  # of each kind, at most
AROUND = 1.0  # of the evidence's sides, on every side of its close-up
CLOSEST = 32  # pixels of the image that a close-up is wide and high, at least
MOST = 0.5  # of the image that a close-up may show
SUSPECTS = 8  # of each source
PAIRS = 4
REJECTS = 8  # of each code
PICTURED = 3  # images of these


@dataclass(frozen=True)
class SampleCard:
    why: str
    image: Picture
    boxes: list[tuple[str, list[float]]]
    close_up: Picture | None  # the evidence with what is around it; None where that is most of the image
    close_boxes: list[tuple[str, list[float]]]
    further: list[Picture]  # the first of the images after `image`
    images: int  # of the sample
    question: str
    options: list[tuple[str, str]]
    answer: str
    area: float | None  # of the evidence, as a share of the image; None without a box
    sample_id: str


@dataclass(frozen=True)
class Suspect:
    image: Picture
    boxes: list[tuple[str, list[float]]]  # of all samples of the source about it
    questions: list[str]
    image_id: str


@dataclass(frozen=True)
class Pair:
    images: tuple[Picture, Picture]
    distance: int  # bits
    ids: tuple[str, str]
    sources: tuple[str, str]


@dataclass(frozen=True)
class RejectGroup:
    code: str
    count: int
    everywhere: int  # of all sources
    examples: list[dict[str, Any]]  # rows of tables.Rejects with `picture`, which may be None


def sample_cards(inputs: Inputs, source: str, paths: Paths) -> list[SampleCard]:
    """Some samples of a source: by a hash of the id, and those of the smallest and largest evidence.

    The more sources, the fewer of each one: a page of pictures has its weight.
    """
    each = min(SAMPLES_A_SOURCE, max(1, SAMPLES // max(1, inputs.samples["source"].n_unique())))
    measured = evidence(inputs.samples.filter(source=source))
    order = [xxhash.xxh64_intdigest(name.encode()) for name in measured["sample_id"]]
    shuffled = measured.with_columns(order=pl.Series(order, dtype=pl.UInt64)).sort("order").drop("order")
    by_area = measured.filter(pl.col("area").is_not_null()).sort("area", "sample_id")
    chosen = pl.concat(
        frame.with_columns(why=pl.lit(why))
        for why, frame in (
            ("at random", shuffled.head(each)),
            ("smallest evidence", by_area.head(each)),
            ("largest evidence", by_area.tail(each)),
        )
    ).unique("sample_id", keep="first", maintain_order=True)
    chosen = chosen.with_columns(shown=tables.SHOWN_IMAGES.list.head(1 + FURTHER_IMAGES))
    images = rows_by_id(paths.images, tables.Images, "image_id", chosen["shown"].explode())
    return [
        _card(row, [images[image_id]["bytes"] for image_id in row["shown"]])
        for row in chosen.iter_rows(named=True)
    ]


def _card(row: dict[str, Any], images: list[bytes]) -> SampleCard:
    pixels = imaging.decode(images[0])
    close_up, close_boxes = _close_up(row, pixels)
    return SampleCard(
        why=row["why"],
        image=embed_pixels(pixels, SAMPLE_SIDE),
        boxes=[("evidence", box) for box in row["boxes"]],
        close_up=close_up,
        close_boxes=close_boxes,
        further=[embed(image, THUMBNAIL_SIDE) for image in images[1:]],
        images=1 + len(row["more_image_ids"]),
        question=row["question"],
        options=list(zip(string.ascii_uppercase, row["options"], strict=False)),
        answer="not given" if row["answer"] is None else row["answer"],
        area=row["area"],
        sample_id=row["sample_id"],
    )


def _close_up(
    row: dict[str, Any], pixels: np.ndarray
) -> tuple[Picture | None, list[tuple[str, list[float]]]]:
    """The evidence from close by with its boxes; None where that is most of the image, or none is known."""
    if row["evidence_box"] is None:
        return None, []
    left, top, right, bottom = close_window(row["evidence_box"], row["width"], row["height"])
    if (right - left) * (bottom - top) > MOST * row["width"] * row["height"]:
        return None, []
    boxes = [("evidence", [x0 - left, y0 - top, x1 - left, y1 - top]) for x0, y0, x1, y1 in row["boxes"]]
    return embed_pixels(pixels[top:bottom, left:right], THUMBNAIL_SIDE), boxes


def close_window(box: list[float], width: int, height: int) -> tuple[int, int, int, int]:
    """A window around an xyxy box, within an image of width x height: xyxy in whole pixels."""
    starts, ends = [], []
    for low, high, side in ((box[0], box[2], width), (box[1], box[3], height)):
        reach = max((0.5 + AROUND) * (high - low), CLOSEST / 2)
        middle = (low + high) / 2
        starts.append(max(0, math.floor(middle - reach)))
        ends.append(min(side, math.ceil(middle + reach)))
    return starts[0], starts[1], ends[0], ends[1]


def suspects(inputs: Inputs, source: str, paths: Paths) -> list[Suspect]:
    """The first suspect images by id, which is as good as at random, with all boxes that passed."""
    asked = inputs.samples.filter(pl.col("source") == source, "suspect")
    first = asked.select("image_id", "boxes", "question")
    # Boxes are of the first images.
    further = asked.select(image_id="more_image_ids", boxes=pl.col("boxes").list.head(0), question="question")
    further = further.explode("image_id")
    suspect = inputs.images.filter("suspect")
    shown = pl.concat([first, further]).join(suspect, on="image_id", how="semi", maintain_order="left")
    about = shown.group_by("image_id").agg(pl.col("boxes").explode().drop_nulls(), "question")
    chosen = about.sort("image_id").head(SUSPECTS)
    images = rows_by_id(paths.images, tables.Images, "image_id", chosen["image_id"])
    return [
        Suspect(
            image=embed(images[row["image_id"]]["bytes"], SAMPLE_SIDE),
            boxes=[("evidence", box) for box in row["boxes"]],
            questions=row["question"],
            image_id=row["image_id"],
        )
        for row in chosen.iter_rows(named=True)
    ]


def nearest_pairs(near: pl.DataFrame, source: str, paths: Paths) -> list[Pair]:
    """The nearest of the near-duplicates, each pair once."""
    both = pl.concat_list("image_id", "other_id").list.sort()
    pairs = near.filter(source=source).with_columns(both=both)
    chosen = pairs.unique("both", keep="first", maintain_order=True).head(PAIRS)
    ids = [*chosen["image_id"], *chosen["other_id"]]
    images = rows_by_id(paths.images, tables.Images, "image_id", ids)
    small = {name: embed(row["bytes"], THUMBNAIL_SIDE) for name, row in images.items()}
    return [
        Pair(
            images=(small[one], small[other]),
            distance=distance,
            ids=(one, other),
            sources=(images[one]["source"], images[other]["source"]),
        )
        for one, other, distance in chosen.select("image_id", "other_id", "distance").iter_rows()
    ]


def reject_groups(inputs: Inputs, source: str, ingest: Ingest, paths: Paths) -> list[RejectGroup]:
    """The rejects of a source by code, the commonest first, with the first rows of each.

    The first images that they name have a picture, once each, where the path leads to one in the images of
    `ingest`.
    """
    images = _open_images(ingest, source, paths)
    everywhere = dict(inputs.rejects["code"].value_counts().rows())
    rejects = inputs.rejects.filter(source=source)
    counted = rejects.group_by("code").len().sort("len", "code", descending=[True, False])
    groups = []
    for code, count in counted.iter_rows():
        first = rejects.filter(code=code).sort("row").head(REJECTS)
        pictured = first["image"].drop_nulls().unique(maintain_order=True).head(PICTURED)
        pictures = {name: _picture(name, images) for name in pictured}
        # Taken out when shown: one image has several questions.
        examples = [
            row | {"picture": pictures.pop(row["image"], None)} for row in first.iter_rows(named=True)
        ]
        groups.append(RejectGroup(code, count, everywhere[code], examples))
    return groups


def _open_images(ingest: Ingest, source: str, paths: Paths) -> Images | None:
    place = getattr(getattr(ingest.settings, source), "images", None) if source in ingest.sources else None
    if place is None:
        return None
    try:
        return open_images(paths.resolve(place), paths.scratch)
    except SourceError:  # the tables are here, the images they came from are not
        return None


def _picture(name: str, images: Images | None) -> Picture | None:
    if images is None:
        return None
    try:
        return embed(read_image(images, name), THUMBNAIL_SIDE)
    except (Rejected, ImageError):
        return None
