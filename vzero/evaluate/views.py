"""Which pictures a model is shown with a question.

The student, before and after training, sees the full image. The teacher's ceiling adds the right crop where
a question has one. Benchmarks in the shape of ZoomBench also show the student the crop alone: the gap
between the two views is what looking closer would give.
"""

from __future__ import annotations

import hashlib

import polars as pl

FULL, FULL_AND_CROP, CROP = "full", "full+crop", "crop"
CROP_VIEW_BENCHMARKS = ("zoom",)


def questions(items: pl.DataFrame, model: str) -> pl.DataFrame:
    """One row an item and view: columns of tables.BenchmarkItems and view, images (in the order shown)."""
    full = items.with_columns(view=pl.lit(FULL), images=pl.concat_list("image"))
    with_region = items.filter(pl.col("crop_image").is_not_null())
    if model == "teacher":
        both = with_region.with_columns(
            view=pl.lit(FULL_AND_CROP), images=pl.concat_list("image", "crop_image")
        )
        return pl.concat([both, full.filter(pl.col("crop_image").is_null())])
    alone = with_region.filter(pl.col("benchmark").is_in(CROP_VIEW_BENCHMARKS)).with_columns(
        view=pl.lit(CROP), images=pl.concat_list("crop_image")
    )
    return pl.concat([full, alone])


def headline(predictions: pl.DataFrame) -> pl.DataFrame:
    """Rows of the view a model is judged by: everything but the student's look at the crop alone."""
    return predictions.filter(pl.col("view") != CROP)


def images_hash(images: list[bytes]) -> str:
    """sha256 of the encoded images, one after the other."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(image)
    return digest.hexdigest()
