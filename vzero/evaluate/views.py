"""Which pictures a model is shown with a question.

The student, before and after training, sees the full image. The teacher's ceiling adds the right crop where
a question has one; in a benchmark with such questions, that is its one view of all of them. Some benchmarks
(`Benchmark.crop_view`) also show the student the crop alone: the gap between the two views is what looking
closer would give.
"""

from __future__ import annotations

import polars as pl

from vzero.benchmarks.catalogue import CATALOGUE

FULL, FULL_AND_CROP, CROP = "full", "full+crop", "crop"


def questions(items: pl.DataFrame, model: str) -> pl.DataFrame:
    """One row an item and view of one benchmark: the given columns of BenchmarkItems, view, and shown.

    `shown` lists those of `pictures` that the model sees: the images in order, the crop after the first.
    """
    role = pl.element().struct.field("role")
    images = pl.col("pictures").list.filter(role == "image")
    crop = pl.col("pictures").list.filter(role == "crop")
    has_crop = crop.list.len() > 0
    full = items.with_columns(view=pl.lit(FULL), shown=images)
    if model == "teacher":
        both = pl.concat_list(images.list.head(1), crop, images.list.slice(1))
        view = pl.when(has_crop.any()).then(pl.lit(FULL_AND_CROP)).otherwise(pl.lit(FULL))
        return items.with_columns(view=view, shown=both)
    closer = [name for name, benchmark in CATALOGUE.items() if benchmark.crop_view]
    alone = items.filter(has_crop & pl.col("benchmark").is_in(closer)).with_columns(
        view=pl.lit(CROP), shown=crop
    )
    return pl.concat([full, alone])


def headline(predictions: pl.DataFrame) -> pl.DataFrame:
    """Rows of the view a model is judged by: everything but the student's look at the crop alone."""
    return predictions.filter(pl.col("view") != CROP)
