"""The figures of the data, source by source, as `tables.Quality`."""

from __future__ import annotations

import string

import polars as pl

from vzero.quality.counting import COLUMNS, levels, ranges, rows
from vzero.quality.inputs import Inputs
from vzero.tables import SHOWN_IMAGES, Quality

GRID = 12  # cells of the map of evidence centres, each way
AREAS = [0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3]  # shares of the image
ASPECTS = [0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 8.0]  # width over height
SIDES = [0, 64, 128, 256, 512, 1024, 2048, 4096, 8192]  # pixels
LENGTHS = [0, 25, 50, 75, 100, 150, 200, 300, 500, 1000]  # characters
FEW = [1, 2, 3, 4, 5, 6, 11, 21]
OPTIONS = [0, 1, 2, 3, 4, 5, 6, 11]
ENLARGEMENTS = [1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 8.0, 16.0]
TOKENS = [0, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384]


def measure(inputs: Inputs, near: pl.DataFrame, tokens: pl.DataFrame, distance: int) -> pl.DataFrame:
    """Every figure of every source.

    `near` is of `duplicates.near_duplicates` within `distance` bits, `tokens` of `tokens.prompt_lengths`.
    """
    parts = [
        _counts(inputs),
        levels(inputs.rejects, "reject", pl.col("code")),
        _suspects(inputs),
        *_evidence(inputs.samples),
        *_questions(inputs.samples),
        *_images(inputs),
        ranges(near, "nearest_image", pl.col("distance"), range(distance + 2)),
        levels(inputs.crops, "fallback", pl.col("fallback")),
        ranges(inputs.crops, "enlargement", enlargement(), ENLARGEMENTS),
        _counted(inputs.objects, "objects", "fate", "objects"),
        _counted(inputs.cleanings, "cleaning", "cleaning", "samples"),
        levels(inputs.overlaps.unique(["benchmark", "image_id"]), "overlap", pl.col("benchmark")),
        *(ranges(tokens, name, pl.col(name), TOKENS) for name in ("student_tokens", "teacher_tokens")),
    ]
    return Quality.validate(pl.concat(parts).sort("source", "figure", "position"), cast=True)


def _counts(inputs: Inputs) -> pl.DataFrame:
    boxless = inputs.samples.filter(pl.col("evidence_box").is_null())
    kinds = {
        "images": inputs.images,
        "train samples": inputs.samples.filter(pl.col("split") == "train"),
        "dev samples": inputs.samples.filter(pl.col("split") == "dev"),
        **({"samples without a box": boxless} if boxless.height else {}),
        "rejected rows": inputs.rejects,
    }
    sizes = [
        (name, kind, frame.filter(source=name).height)
        for name in inputs.sources
        for kind, frame in kinds.items()
    ]
    counted = pl.DataFrame(sizes, schema=["source", "level", "count"], orient="row")
    return counted.select(
        "source",
        pl.lit("counts").alias("figure"),
        "level",
        pl.int_range(pl.len(), dtype=pl.Int32).over("source").alias("position"),
        *(pl.lit(None, pl.Float64).alias(name) for name in ("low", "high")),
        "count",
    )


def _suspects(inputs: Inputs) -> pl.DataFrame:
    """Suspect images, and the samples about them; of the embedded world none."""
    marked = [
        frame.filter("suspect").select("source", position=pl.lit(position, pl.Int32), level=pl.lit(level))
        for position, (level, frame) in enumerate(
            {"images": inputs.images, "samples about them": inputs.samples}.items()
        )
    ]
    counted = pl.concat(marked).group_by("source", "level", "position").agg(count=pl.len())
    return rows(counted, "suspect")


def enlargement() -> pl.Expr:
    """How many times further than the positive a negative is enlarged; 1 where it is not, or less far.

    A window that shrank was cut at the resolution that its strategy asks for, all others of another size at
    the full one (`vzero.crops.places`).
    """
    halved = (pl.col("strategy") == "half_resolution") & (pl.col("fallback") == "shrunk")
    scale = pl.col("negative_scale") / pl.col("positive_scale")
    return pl.when(halved).then(2 * scale).otherwise(scale).clip(lower_bound=1)


def _counted(table: pl.DataFrame, figure: str, level: str, count: str) -> pl.DataFrame:
    """A table that has counts already, the commonest level first."""
    summed = table.group_by("source", level=pl.col(level).cast(pl.String)).agg(count=pl.col(count).sum())
    ordered = summed.sort("source", "count", "level", descending=[False, True, False])
    position = pl.int_range(pl.len(), dtype=pl.Int32).over("source")
    return rows(ordered.with_columns(position=position), figure)


def evidence(samples: pl.DataFrame) -> pl.DataFrame:
    """Samples with the figures of their evidence box: area as a share of the image, aspect, and its centre.

    They are null without a box. `samples` has the width and height of the images. `column` and `row` say in
    which of GRID x GRID cells of the image the centre lies, from the upper left.
    """
    left, top, right, bottom = (pl.col("evidence_box").list.get(index) for index in range(4))
    width, height = right - left, bottom - top
    return samples.with_columns(
        area=width * height / (pl.col("width").cast(pl.Float64) * pl.col("height")),
        aspect=width / height,
        column=((left + right) / 2 / pl.col("width") * GRID).floor().clip(0, GRID - 1).cast(pl.Int32),
        row=((top + bottom) / 2 / pl.col("height") * GRID).floor().clip(0, GRID - 1).cast(pl.Int32),
    )


def _evidence(samples: pl.DataFrame) -> list[pl.DataFrame]:
    measured = evidence(samples.filter(pl.col("evidence_box").is_not_null()))
    cells = measured.group_by("source", "column", "row").agg(count=pl.len().cast(pl.Int64))
    centres = cells.with_columns(
        figure=pl.lit("evidence_centre"),
        level=pl.format("column {}, row {}", "column", "row"),
        position=pl.col("row") * GRID + pl.col("column"),
        low=pl.lit(None, pl.Float64),
        high=pl.lit(None, pl.Float64),
    )
    return [
        ranges(measured, "evidence_area", pl.col("area"), AREAS),
        ranges(measured, "evidence_aspect", pl.col("aspect"), ASPECTS),
        centres.select(COLUMNS),
        ranges(measured, "boxes", pl.col("boxes").list.len(), FEW),
    ]


def _questions(samples: pl.DataFrame) -> list[pl.DataFrame]:
    choices = samples.filter(
        pl.col("options").list.len() > 0, pl.col("answer").is_in(list(string.ascii_uppercase))
    )
    answered = pl.when(pl.col("answer").is_null()).then(pl.lit("without")).otherwise(pl.lit("with"))
    return [
        ranges(samples, "question_length", pl.col("question").str.len_chars(), LENGTHS),
        ranges(samples, "options", pl.col("options").list.len(), OPTIONS),
        _letters(choices),
        levels(samples, "answer", answered),
        levels(samples, "category", pl.col("category")),
    ]


def _letters(choices: pl.DataFrame) -> pl.DataFrame:
    """Right answers by letter: every letter that a question of the source offers, also one never right."""
    most = pl.col("options").list.len().max().cast(pl.Int32)
    offered = choices.group_by("source").agg(position=pl.int_ranges(0, most, dtype=pl.Int32).first())
    letters = dict(enumerate(string.ascii_uppercase))
    every = offered.explode("position").with_columns(
        level=pl.col("position").replace_strict(letters, return_dtype=pl.String)
    )
    counted = choices.group_by("source", level="answer").agg(count=pl.len())
    whole = every.join(counted, on=["source", "level"], how="left").with_columns(pl.col("count").fill_null(0))
    return rows(whole, "answer_letter")


def _images(inputs: Inputs) -> list[pl.DataFrame]:
    images = inputs.images
    shown = inputs.samples.select("source", image_id=SHOWN_IMAGES).explode("image_id")
    asked = shown.group_by("source", "image_id").agg(questions=pl.len())
    return [
        ranges(images, "image_side", pl.max_horizontal("width", "height"), SIDES),
        ranges(images, "image_aspect", pl.col("width") / pl.col("height"), ASPECTS),
        levels(images, "format", pl.col("format")),
        levels(images, "licence", pl.col("licence")),
        ranges(asked, "questions_an_image", pl.col("questions"), FEW),
    ]
