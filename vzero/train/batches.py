"""Training samples with their views, in an order that is a pure function of seed and step.

The column `answer` is loaded only for methods that declare that they learn from labels, and crops only for
those whose tasks are made of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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

SAMPLE_COLUMNS = ["sample_id", "image_id", "question", "options", "split"]
CROPPED = frozenset({POSITIVE, NEGATIVE})
"""Roles of views that show a crop."""


def training_index(paths: Paths, roles: Collection[str], *, labels: bool = False) -> pl.DataFrame:
    """Every training sample: ids, texts and pixel sizes, no image bytes. Sorted by id.

    `shard` is the number of the files that hold the image and the crops.

    Where the roles show crops, with their sizes, and `strategy`, that of the negative views. With
    `labels` also the column `answer`, null where none is told. Raises ProjectError when a sample has no
    image, or lacks the crops that are needed, which are then of other samples.
    """
    columns = [*SAMPLE_COLUMNS, "answer"] if labels else SAMPLE_COLUMNS
    samples = scan(paths.samples, Samples, columns).filter(pl.col("split") == "train")
    sizes = pl.concat(
        scan(file, Images, ["image_id", "width", "height"]).with_columns(shard=pl.lit(number, pl.Int32))
        for number, file in enumerate(files(paths.images))
    )
    found = samples.join(sizes, on="image_id", how="left")
    needed = ["shard"]
    if CROPPED.intersection(roles):
        crops = scan(paths.crops, Crops, ["sample_id", "width", "height", "strategy"])
        crops = crops.rename({"width": "crop_width", "height": "crop_height"})
        found, needed = found.join(crops, on="sample_id", how="left"), ["shard", "strategy"]
    index = found.sort("sample_id").collect()
    if index.is_empty():
        raise ProjectError(f"{paths.samples}: no training samples")
    lacking = index.filter(pl.any_horizontal(pl.col(needed).is_null()))["sample_id"]
    if len(lacking):
        raise ProjectError(
            f"{paths.crops}: no crops, or no image, of {len(lacking):,} of {index.height:,} training samples "
            f"(the first: {lacking[0]}); run crops again"
        )
    return index


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
    wanted = rows["shard"].unique().sort().to_list()
    images = _lookup(paths.images, Images, rows["image_id"], wanted, ["bytes"])
    crops = {}
    if "strategy" in rows.columns:
        columns = ["positive", "negative", "more_negatives", "negative_image"]
        crops = _lookup(paths.crops, Crops, rows["sample_id"], wanted, columns)
    return [
        _sample(row, images[row["image_id"]][0], crops.get(row["sample_id"]))
        for row in rows.iter_rows(named=True)
    ]


def sizes_only(row: dict[str, Any]) -> Sample:
    """A row of the index with pictures that have a size and no data, and one negative view."""
    image = _image(row)
    views: dict[str, tuple[View, ...]] = {FULL: (_asked(row, image),)}
    if "strategy" in row:
        shown = _crops(row, image)
        beside = _asked(row, shown.beside_negative)
        views[POSITIVE] = (with_crop(_asked(row, image), shown.positive, POSITIVE),)
        views[NEGATIVE] = (with_crop(beside, shown.negative, NEGATIVE),)
    return Sample(row["sample_id"], views, tuple(row["options"]), row.get("answer"))


def _sample(row: dict[str, Any], image: bytes, crops: tuple[Any, ...] | None) -> Sample:
    """`crops` are positive, negative, more negatives and the image beside negatives, null where it is the
    same."""
    full = _asked(row, replace(_image(row), data=image))
    views: dict[str, tuple[View, ...]] = {FULL: (full,)}
    if crops is not None:
        positive, negative, more, negative_image = crops
        shown = _crops(row, _image(row))
        beside = full
        if negative_image is not None:
            beside = _asked(row, replace(shown.beside_negative, data=negative_image))
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


def _image(row: dict[str, Any]) -> Picture:
    return Picture("image", row["width"], row["height"])


def _asked(row: dict[str, Any], image: Picture) -> View:
    return full_view(row["question"], row["options"], [image], row=row["sample_id"])


def _lookup(
    folder: Path, schema: type[dy.Schema], keys: pl.Series, wanted: Sequence[int], columns: Sequence[str]
) -> dict[str, tuple]:
    stored = files(folder)
    frames = [
        scan(stored[shard], schema, [keys.name, *columns]).filter(pl.col(keys.name).is_in(keys.implode()))
        for shard in wanted
    ]
    return {row[0]: row[1:] for row in pl.concat(frames).collect().iter_rows()}
