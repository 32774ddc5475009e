"""The charts and tables of the data page, from the rows of `tables.Quality`: the sources side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from vzero.pages import charts
from vzero.pages.parts import Figure
from vzero.quality.measures import GRID

MOST_LEVELS = 12  # rows of a table of levels; the rest is added up
CHARTS = {  # heading, the level's unit, what is counted, caption
    "evidence_area": (
        "Area of the evidence",
        "% of the image",
        "samples",
        "Where it is small, the full image alone does not show enough.",
    ),
    "evidence_aspect": ("Shape of the evidence", "width over height", "samples", "1 is square."),
    "enlargement": (
        "Enlargement of the negative crops",
        "times the positive's",
        "negatives",
        "Far above 1 the gate compares what is sharp with what is blurred: crops.fallbacks and "
        "crops.max_enlargement choose other rules.",
    ),
    "boxes": ("Boxes of a sample", "boxes", "samples", "The evidence box is the union of them."),
    "question_length": ("Length of the question", "characters", "samples", "Without the options."),
    "options": ("Options of a question", "options", "samples", "Open questions have none."),
    "answer_letter": (
        "Right answers",
        "letter",
        "samples",
        "Of choices. Uneven letters reward guessing; questions of few options have no late ones.",
    ),
    "image_side": ("Size of the images", "longer side, pixels", "images", "As stored, before any resizing."),
    "image_aspect": ("Shape of the images", "width over height", "images", "1 is square."),
    "questions_an_image": ("Questions about an image", "questions", "images", "Equal bytes are one image."),
    "nearest_image": (
        "Images that nearly repeat another",
        "bits to the nearest other image",
        "images",
        "Of 64 bits of the perceptual hash, of whichever source the other is. Images with none so near, and "
        "mostly flat pictures, have no bar.",
    ),
    "student_tokens": (
        "Prompts of the student",
        "tokens",
        "samples",
        "Image and question under the pixel budget. Of a source with more than 2,000 samples so many are "
        "drawn: its bars are right within about 2 points.",
    ),
    "teacher_tokens": ("Prompts of the teacher", "tokens", "samples", "The same with the right crop."),
}
TABLES = {
    "objects": "Objects by what became of them",
    "counts": "Rows",
    "reject": "Rejected rows by reason",
    "suspect": "Suspects: images with rows rejected for boxes outside or another size",
    "licence": "Images by licence",
    "format": "Images by format",
    "fallback": "Negative crops by how they were found",
    "overlap": "Images that resemble a benchmark's",
    "cleaning": "Samples whose texts were cleaned, by phrase",
    "answer": "Samples with and without an answer",
    "category": "Samples by category",
}
SECTIONS = {
    "Rows and images": [
        *("objects", "counts", "licence", "format", "reject", "suspect"),
        *("image_side", "image_aspect", "questions_an_image", "nearest_image"),
    ],
    "Evidence": [
        *("fallback", "enlargement", "overlap"),
        *("evidence_centre", "evidence_area", "evidence_aspect", "boxes"),
    ],
    "Questions": ["cleaning", "answer", "category", "question_length", "options", "answer_letter"],
    "Prompts": ["student_tokens", "teacher_tokens"],
}


@dataclass(frozen=True)
class LevelTable:
    """Counts by level and source."""

    heading: str
    sources: list[str]
    rows: list[tuple[str, list[int]]]
    """A level with its count in each source."""


def level_table(quality: pl.DataFrame, figure: str) -> LevelTable | None:
    """The levels of a figure and their counts; beyond the commonest, the others together.

    `counts` and `suspect` keep their order and all reasons of rejects are shown. None where no source has a
    level.
    """
    rows = quality.filter(figure=figure)
    if rows.is_empty():
        return None
    sources = sorted(rows["source"].unique())
    by_level = rows.pivot("source", index="level", values="count", maintain_order=True).fill_null(0)
    if figure not in ("counts", "suspect"):
        total = pl.sum_horizontal(sources)
        by_level = by_level.sort(total, "level", descending=[True, False])
    listed = [
        (level or "(none)", list(counts)) for level, *counts in by_level.select("level", *sources).rows()
    ]
    if figure != "reject" and len(listed) > MOST_LEVELS:
        listed, others = listed[:MOST_LEVELS], listed[MOST_LEVELS:]
        added = [sum(column) for column in zip(*(counts for _, counts in others), strict=True)]
        listed.append((f"{len(others):,} others", added))
    return LevelTable(TABLES[figure], sources, listed)


def chart(quality: pl.DataFrame, figure: str) -> Figure | None:
    """The figure's bars, or its maps, a source a row; None where no source has anything to count."""
    shown = shares(quality, figure)
    if shown.is_empty():
        return None
    name = figure.replace("_", "-")
    if figure == "evidence_centre":
        svg = charts.render(charts.heat_map(shown, GRID), "Maps of the centres of the evidence", name=name)
        fullest = shown["share"].to_numpy().max()
        caption = (
            f"Centres of the evidence boxes on the image, whatever its shape, as {GRID} x {GRID} cells. The "
            f"fullest cell holds {_two_digits(fullest)} % of a source's samples; evenly spread, each "
            f"would hold {100 / GRID**2:.1f} %."
        )
        return Figure("Where the evidence is", svg, caption)
    heading, x_title, counted, caption = CHARTS[figure]
    svg = charts.render(charts.level_bars(shown, x_title), f"{heading}: % of the {counted}", name=name)
    return Figure(heading, svg, f"In % of the {counted}. {caption}")


def shares(quality: pl.DataFrame, figure: str) -> pl.DataFrame:
    """Of each source with anything to count: facet (its heading), level, share in %.

    Maps have column and row instead of the level. Ranges that are empty at either end are left out; letters
    that are never right are not.
    """
    rows = quality.filter(figure=figure).sort("source", "position")
    totals = rows.group_by("source").agg(total=pl.col("count").sum()).filter(pl.col("total") > 0)
    counted = "samples" if figure == "evidence_centre" else CHARTS[figure][2]
    base, heading = totals, pl.format("{}: {} {}", "source", _grouped("total"), _noun(counted))
    if figure == "nearest_image":  # counts only those with a near one
        images = quality.filter(figure="counts", level="images").select("source", images="count")
        base = totals.join(images, on="source").rename({"total": "near", "images": "total"})
        heading = pl.format("{}: {} of {} {}", "source", _grouped("near"), _grouped("total"), _noun("images"))
    shared = rows.join(base, on="source", maintain_order="left").with_columns(
        facet=heading, share=100 * pl.col("count") / pl.col("total")
    )
    if figure == "evidence_centre":
        return shared.select(
            "facet", "share", column=pl.col("position") % GRID, row=pl.col("position") // GRID
        )
    if figure == "evidence_area":  # counted as fractions
        shared = shared.with_columns(level=_percent_range())
    if figure != "answer_letter":
        filled = pl.col("position").filter(pl.col("count") > 0)
        shared = shared.filter(pl.col("position").is_between(filled.min(), filled.max()))
    return shared.select("facet", "level", "share")


def per_cent(share: float) -> str:
    """A share in per cent, two digits of it, never with an exponent."""
    return _two_digits(100 * share)


def _two_digits(number: float) -> str:
    return np.format_float_positional(number, precision=2, fractional=False, trim="-")


def _noun(plural: str) -> pl.Expr:
    return pl.when(pl.col("total") == 1).then(pl.lit(plural.removesuffix("s"))).otherwise(pl.lit(plural))


def _grouped(column: str) -> pl.Expr:
    """Whole numbers as text, with commas between thousands."""
    return pl.col(column).map_elements(lambda number: f"{number:,}", return_dtype=pl.String)


def _percent_range() -> pl.Expr:
    low, high = (
        (pl.col(end) * 100).map_elements(lambda number: f"{number:g}", return_dtype=pl.String)
        for end in ("low", "high")
    )
    bounded = pl.format("{} to {}", low, high)
    return pl.when(pl.col("high").is_null()).then(pl.format("from {}", low)).otherwise(bounded)
