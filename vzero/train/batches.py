"""Training samples with their views, in an order that is a pure function of seed and step.

The column `answer` is loaded only for methods that declare that they learn from labels, and crops only for
those whose tasks are made of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import dataframely as dy
import numpy as np
import polars as pl

from vzero.errors import ConfigError, ProjectError
from vzero.methods.base import Sample
from vzero.paths import Paths
from vzero.prompts.views import FULL, NEGATIVE, POSITIVE, Picture, View, full_view, with_crop
from vzero.shards import files, scan
from vzero.tables import Crops, Images, Samples

SAMPLE_COLUMNS = ["sample_id", "image_id", "more_image_ids", "question", "options", "split"]
CROPPED = frozenset({POSITIVE, NEGATIVE})
"""Roles of views that show a crop."""


def training_index(paths: Paths, roles: Collection[str], *, labels: bool = False) -> pl.DataFrame:
    """Every training sample: ids, texts and pixel sizes, no image bytes. Sorted by id.

    `shard` is the number of the files that hold the first image and the crops, `further` the images after
    it with their own; null for none. With `labels` there is also `answer`, null where none is told.

    Where the roles show crops: `region`, whether the sample has one, the crops' sizes, and `strategy`, that
    of the negative views. Raises ProjectError when a sample lacks an image, or crops of its region, which are
    then of other samples.
    """
    cropped = not CROPPED.isdisjoint(roles)
    columns = [*SAMPLE_COLUMNS, *(["answer"] if labels else []), *(["evidence_box"] if cropped else [])]
    samples = scan(paths.samples, Samples, columns).filter(pl.col("split") == "train")
    sizes = pl.concat(
        scan(file, Images, ["image_id", "width", "height"]).with_columns(shard=pl.lit(number, pl.Int32))
        for number, file in enumerate(files(paths.images))
    )
    found = samples.join(sizes, on="image_id", how="left")
    found = found.join(_further(samples, sizes), on="sample_id", how="left").drop("more_image_ids")
    complete = pl.col("shard").is_not_null() & ~pl.col("further").list.eval(
        pl.element().struct.field("shard").is_null()
    ).list.any().fill_null(value=False)
    if cropped:
        crops = scan(paths.crops, Crops, ["sample_id", "width", "height", "strategy"])
        crops = crops.rename({"width": "crop_width", "height": "crop_height"})
        found = found.with_columns(region=pl.col("evidence_box").is_not_null()).drop("evidence_box")
        found = found.join(crops, on="sample_id", how="left")
        complete &= pl.col("strategy").is_not_null() | ~pl.col("region")
    index = found.sort("sample_id").collect()
    if index.is_empty():
        raise ProjectError(f"{paths.samples}: no training samples")
    lacking = index.filter(~complete)["sample_id"]
    if len(lacking):
        raise ProjectError(
            f"{paths.crops}: no crops, or no image, of {len(lacking):,} of {index.height:,} training samples "
            f"(the first: {lacking[0]}); run crops again"
        )
    return index


def _further(samples: pl.LazyFrame, sizes: pl.LazyFrame) -> pl.LazyFrame:
    """Of samples that show several images: those after the first, with size and shard."""
    each = samples.select("sample_id", image_id="more_image_ids").explode("image_id").drop_nulls()
    found = each.join(sizes, on="image_id", how="left", maintain_order="left")
    images = pl.struct("image_id", "width", "height", "shard")
    return found.group_by("sample_id", maintain_order=True).agg(further=images)


def step_rows(count: int, prompts: int, *, seed: int, step: int) -> list[int]:
    """Row numbers of a step's prompts, all different.

    Every epoch has an order of its own, and as many whole steps as it holds; the few rows that are left over
    wait for another epoch. Raises ConfigError when there are fewer rows than prompts.
    """
    if count < prompts:
        raise ConfigError(f"train.prompts ({prompts}) is more than there are training samples ({count})")
    epoch, place = divmod(step, count // prompts)
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[place * prompts : (place + 1) * prompts].tolist()


def load_samples(paths: Paths, rows: pl.DataFrame) -> list[Sample]:
    """Some rows of the index with their pixels, in their order. Only the shards that hold them are opened."""
    further = rows["further"].explode().drop_nulls().struct.unnest()
    shown = pl.concat([rows.select("image_id", "shard"), further.select("image_id", "shard")])
    images = _lookup(paths.images, Images, shown["image_id"], shown["shard"], ["bytes"])
    crops = {}
    if "strategy" in rows.columns:
        columns = ["positive", "negative", "more_negatives", "negative_image"]
        crops = _lookup(paths.crops, Crops, rows["sample_id"], rows["shard"], columns)
    bytes_of = {image_id: data for image_id, (data,) in images.items()}
    return [_sample(row, bytes_of, crops.get(row["sample_id"])) for row in rows.iter_rows(named=True)]


def sizes_only(row: dict[str, Any]) -> Sample:
    """A row of the index with pictures that have a size and no data, and one negative view."""
    pictures = _pictures(row)
    views: dict[str, tuple[View, ...]] = {FULL: (_asked(row, pictures),)}
    if row.get("region"):
        shown = _crops(row, pictures[0])
        beside = _asked(row, [shown.beside_negative, *pictures[1:]])
        views[POSITIVE] = (with_crop(_asked(row, pictures), shown.positive, POSITIVE),)
        views[NEGATIVE] = (with_crop(beside, shown.negative, NEGATIVE),)
    return Sample(row["sample_id"], views, tuple(row["options"]), row.get("answer"))


def _sample(row: dict[str, Any], images: Mapping[str, bytes], crops: tuple[Any, ...] | None) -> Sample:
    """`crops` are positive, negative, more negatives and the image beside them, null where it is the same."""
    ids = [row["image_id"], *(image["image_id"] for image in row["further"] or ())]
    sized = zip(_pictures(row), ids, strict=True)
    pictures = [replace(picture, data=images[image_id]) for picture, image_id in sized]
    full = _asked(row, pictures)
    views: dict[str, tuple[View, ...]] = {FULL: (full,)}
    if crops is not None:
        positive, negative, more, negative_image = crops
        shown = _crops(row, _pictures(row)[0])
        beside = full
        if negative_image is not None:
            beside = _asked(row, [replace(shown.beside_negative, data=negative_image), *pictures[1:]])
        views[POSITIVE] = (with_crop(full, replace(shown.positive, data=positive), POSITIVE),)
        views[NEGATIVE] = tuple(
            with_crop(beside, replace(shown.negative, data=crop), NEGATIVE)
            for crop in ([] if negative is None else [negative, *more])
        )
    return Sample(row["sample_id"], views, tuple(row["options"]), row.get("answer"))


class _Shown(NamedTuple):
    positive: Picture
    negative: Picture
    beside_negative: Picture


def _crops(row: dict[str, Any], image: Picture) -> _Shown:
    """The pictures of the views with a crop, by their sizes.

    A negative crop has the positive's sides and stands beside the same image, but for one strategy.
    """
    crop = Picture("crop", row["crop_width"], row["crop_height"])
    if row["strategy"] != "downsampled":
        return _Shown(crop, replace(crop, name="negative crop"), image)
    halved = [
        Picture(f"negative {full.name}", max(full.width // 2, 1), max(full.height // 2, 1))
        for full in (crop, image)
    ]
    return _Shown(crop, *halved)


def _pictures(row: dict[str, Any]) -> list[Picture]:
    """The sample's own images by their sizes."""
    further = [
        Picture(f"image {number}", image["width"], image["height"])
        for number, image in enumerate(row["further"] or (), start=2)
    ]
    return [Picture("image", row["width"], row["height"]), *further]


def _asked(row: dict[str, Any], pictures: Sequence[Picture]) -> View:
    return full_view(row["question"], row["options"], pictures, row=row["sample_id"])


def _lookup(
    folder: Path, schema: type[dy.Schema], keys: pl.Series, shards: pl.Series, columns: Sequence[str]
) -> dict[str, tuple]:
    """Columns of the rows of these keys, from the shards of these numbers."""
    stored = files(folder)
    frames = [
        scan(stored[shard], schema, [keys.name, *columns]).filter(pl.col(keys.name).is_in(keys.implode()))
        for shard in shards.unique().sort()
    ]
    return {row[0]: row[1:] for row in pl.concat(frames).collect().iter_rows()}
