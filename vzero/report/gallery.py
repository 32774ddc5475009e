"""The gallery: samples with their views, the group's answers, and what the gate made of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import polars as pl
import xxhash

from vzero import tables
from vzero.pages.lookup import rows_by_id
from vzero.pages.pictures import FURTHER_IMAGES, Picture, embed
from vzero.paths import Paths

STRATEGY_WORDS = {
    "half_resolution": "window of the positive's size from the halved image, off the target",
    "same_resolution": "window of the positive's size, off the target",
    "other_image": "window of the positive's size from another image",
    "masked": "the positive with its evidence filled with the colour around it",
    "blurred": "the positive with its evidence blurred",
    "blank": "the image's mean colour",
    "downsampled": "positive and full image at half their sides",
}
FALLBACK_WORDS = {
    "shrunk": "smaller window, off the target, enlarged to the positive's size",
    "finer": "window off the target from the full resolution, where the halved image has no room",
    "overlap": "window that touches the target a little",
    "other_image": "window from another image",
    "none": "no negative view: neutral weight",
}
CROP_PICTURES = ("positive", "negative", "more_negatives", "negative_image")


@dataclass(frozen=True)
class Entry:
    sample: dict[str, Any]  # a row of samples, without its image
    image: Picture
    further: list[Picture]  # the first of the images after it
    crop: dict[str, Any] | None  # a row of crops, without its pictures; None without a box
    positive: Picture | None
    negatives: list[Picture]  # several when params.crops.negative_count says so
    step: int | None  # None: the sample was not rolled out
    members: list[dict[str, Any]]  # annotated rollouts of the group

    @property
    def negative_box(self) -> list[float] | None:
        """Where the (first) negative view was cut, when it was cut from this image."""
        if self.crop is None:
            return None
        here = self.crop["negative_image_id"] == self.sample["image_id"]
        return self.crop["negative_box"] if here else None

    @property
    def negative_words(self) -> str:
        """How the negative view was made; "" where there are no views."""
        if self.crop is None:
            return ""
        fallback = self.crop["fallback"]
        return STRATEGY_WORDS[self.crop["strategy"]] if fallback == "exact" else FALLBACK_WORDS[fallback]


def pick_groups(rollouts: pl.DataFrame, count: int, seed: int) -> pl.DataFrame:
    """Step and sample of up to `count` groups, one a sample, drawn by a seeded hash.

    Groups whose answers differ come first: where all agree the gate has nothing to say. No answer key is
    used.
    """
    if rollouts.is_empty():
        return pl.DataFrame(schema={"step": pl.Int32, "sample_id": pl.String})
    said = pl.coalesce("letter", "text")
    groups = rollouts.group_by("step", "sample_id").agg(agrees=said.n_unique() == 1)
    keys = [_order(seed, *key) for key in groups.select("step", "sample_id").iter_rows()]
    return (
        groups.with_columns(order=pl.Series(keys, dtype=pl.UInt64))
        .sort("agrees", "order")
        .unique("sample_id", keep="first", maintain_order=True)
        .head(count)
        .sort("step", "sample_id")
        .select("step", "sample_id")
    )


def pick_samples(samples: pl.DataFrame, count: int, seed: int) -> list[str]:
    """Ids of up to `count` samples by a seeded hash, for runs without rollouts."""
    return sorted(samples["sample_id"].to_list(), key=lambda name: _order(seed, 0, name))[:count]


def _order(seed: int, step: int, sample_id: str) -> int:
    return xxhash.xxh64_intdigest(f"{seed}/{step}/{sample_id}".encode())


def build_gallery(
    rollouts: pl.DataFrame, samples: pl.DataFrame, paths: Paths, count: int, seed: int
) -> list[Entry]:
    """Entries in the order of training; only the pictures that are shown are read."""
    groups = pick_groups(rollouts, count, seed)
    chosen: list[tuple[int | None, str]] = list(groups.iter_rows())
    if not chosen:
        chosen = [(None, name) for name in pick_samples(samples, count, seed)]
    names = [name for _, name in chosen]
    rows = {row["sample_id"]: row for row in samples.filter(pl.col("sample_id").is_in(names)).to_dicts()}
    crops = rows_by_id(paths.crops, tables.Crops, "sample_id", names)
    shown = {name: [row["image_id"], *row["more_image_ids"][:FURTHER_IMAGES]] for name, row in rows.items()}
    images = rows_by_id(paths.images, tables.Images, "image_id", chain.from_iterable(shown.values()))
    return [
        _entry(step, rows[name], [images[each]["bytes"] for each in shown[name]], crops.get(name), rollouts)
        for step, name in chosen
    ]


def _entry(
    step: int | None,
    sample: dict[str, Any],
    images: list[bytes],
    crop: dict[str, Any] | None,
    rollouts: pl.DataFrame,
) -> Entry:
    positive, negative, more, _ = (
        (None, None, [], None) if crop is None else (crop.pop(name) for name in CROP_PICTURES)
    )
    group = rollouts.filter(
        pl.col("step").eq_missing(pl.lit(step)), pl.col("sample_id") == sample["sample_id"]
    )
    return Entry(
        sample=sample,
        image=embed(images[0]),
        further=[embed(data) for data in images[1:]],
        crop=crop,
        positive=None if positive is None else embed(positive),
        negatives=[embed(data) for data in (negative, *more) if data is not None],
        step=step,
        members=group.sort("member").to_dicts(),
    )
