"""What the figures are counted from: the tables and the summary of `ingest` and `crops`, without pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from vzero import tables
from vzero.paths import Paths
from vzero.shards import read

IMAGE_COLUMNS = ["image_id", "width", "height", "format", "perceptual_hash", "source", "licence", "suspect"]
CROP_COLUMNS = ["sample_id", "fallback", "strategy", "width", "height", "positive_scale", "negative_scale"]


@dataclass(frozen=True)
class Inputs:
    images: pl.DataFrame
    samples: pl.DataFrame
    """With the width and height of their (first) images, and whether any of theirs is a suspect."""
    rejects: pl.DataFrame
    funnel: pl.DataFrame
    objects: pl.DataFrame
    cleanings: pl.DataFrame
    crops: pl.DataFrame
    """With the source of their samples."""
    overlaps: pl.DataFrame
    """With the source of the training image."""
    conventions: dict[str, dict[str, Any]]
    """By source and declared convention: what `ingest.verify` says of the boxes."""

    @property
    def sources(self) -> list[str]:
        """Where rows came from, usable or not. A benchmark whose items were rejected is one too."""
        named = [self.samples["source"], self.rejects["source"]]
        return sorted(pl.concat(named).unique())


def read_inputs(paths: Paths) -> Inputs:
    """Read the tables. Raises ProjectError for the table of a stage that has not run."""
    images = read(paths.images, tables.Images, IMAGE_COLUMNS)
    samples = read(paths.samples, tables.Samples).sort("sample_id")
    crops = read(paths.crops, tables.Crops, CROP_COLUMNS)
    overlaps = read(paths.overlaps, tables.Overlaps)
    shown = samples.select("sample_id", image_id=tables.SHOWN_IMAGES).explode("image_id")
    about = shown.join(images.filter("suspect"), on="image_id", how="semi")["sample_id"]
    return Inputs(
        images=images,
        samples=samples.join(
            images.select("image_id", "width", "height"), on="image_id", how="left"
        ).with_columns(suspect=pl.col("sample_id").is_in(about.implode())),
        rejects=read(paths.rejects, tables.Rejects),
        funnel=read(paths.funnel, tables.Funnel).sort("step"),
        objects=read(paths.objects, tables.Objects),
        cleanings=read(paths.cleanings, tables.Cleanings),
        crops=crops.join(samples.select("sample_id", "source"), on="sample_id"),
        overlaps=overlaps.join(images.select("image_id", "source"), on="image_id"),
        conventions=json.loads(paths.ingest_summary.read_text())["box_conventions"],
    )
