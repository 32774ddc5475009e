"""The charts and tables of the data page, made of the rows of `tables.Quality`."""

from __future__ import annotations

import polars as pl

from vzero.quality.measures import GRID
from vzero.report import charts
from vzero.report.parts import Facts, Figure

MOST_LEVELS = 12  # rows of a table of levels; the rest is added up
CHARTS = {  # heading, the level's unit, what is counted, caption
    "evidence_area": (
        "Area of the evidence",
        "share of the image",
        "samples",
        "Where it is small, the full image alone does not show enough.",
    ),
    "evidence_aspect": ("Shape of the evidence", "width over height", "samples", "1 is square."),
    "boxes": ("Boxes of a sample", "boxes", "samples", "The evidence box is the union of them."),
    "question_length": ("Length of the question", "characters", "samples", "Without the options."),
    "options": ("Options of a question", "options", "samples", "Open questions have none."),
    "answer_letter": ("Right answers", "letter", "samples", "Uneven letters reward guessing."),
    "image_side": ("Size of the images", "longer side, pixels", "images", "As stored, before any resizing."),
    "image_aspect": ("Shape of the images", "width over height", "images", "1 is square."),
    "questions_an_image": ("Questions about an image", "questions", "images", "Equal bytes are one image."),
    "nearest_image": (
        "Images that nearly repeat another",
        "bits to the nearest other image",
        "images",
        "Of 64 bits of the perceptual hash. Further ones, and mostly flat pictures, are left out.",
    ),
    "student_tokens": (
        "Prompts of the student",
        "tokens",
        "samples",
        "Image and question under the pixel budget, of up to 2,000 samples.",
    ),
    "teacher_tokens": ("Prompts of the teacher", "tokens", "samples", "The same with the right crop."),
}
TABLES = {
    "counts": "Rows",
    "reject": "Rejected rows by reason",
    "licence": "Licences of the images",
    "format": "Formats of the images",
    "fallback": "Negative crops by how they were found",
    "overlap": "Images that resemble a benchmark's",
    "answer": "Samples with and without an answer",
    "category": "Categories",
}
SECTIONS = {
    "Rows and images": [
        *("counts", "reject", "licence", "format"),
        *("image_side", "image_aspect", "questions_an_image", "nearest_image"),
    ],
    "Evidence": ["fallback", "overlap", "evidence_centre", "evidence_area", "evidence_aspect", "boxes"],
    "Questions": ["answer", "category", "question_length", "options", "answer_letter"],
    "Prompts": ["student_tokens", "teacher_tokens"],
}


def facts(quality: pl.DataFrame, figure: str) -> Facts:
    """The levels of a figure and their counts; beyond the commonest, the others together."""
    rows = quality.filter(figure=figure).sort("position").select("level", "count").rows()
    shown = [(level or "(none)", f"{count:,}") for level, count in rows[:MOST_LEVELS]]
    if others := rows[MOST_LEVELS:]:
        shown.append((f"{len(others):,} others", f"{sum(count for _, count in others):,}"))
    return Facts(TABLES[figure], shown or [("none", "")])


def chart(quality: pl.DataFrame, figure: str, name: str) -> Figure | None:
    """The figure's bars, or its map; None where it counts nothing. `name` is unique on the page."""
    rows = quality.filter(figure=figure).sort("position")
    if rows["count"].sum() == 0:
        return None
    if figure == "evidence_centre":
        cells = rows.with_columns(column=pl.col("position") % GRID, row=pl.col("position") // GRID)
        svg = charts.render(charts.heat_map(cells, GRID), "Map of the centres of the evidence", name=name)
        caption = (
            f"Centres of the evidence boxes on the image; the fullest cell holds {rows['count'].max():,}."
        )
        return Figure("Where the evidence is", svg, caption)
    heading, x_title, y_title, caption = CHARTS[figure]
    svg = charts.render(charts.level_bars(_trimmed(rows), x_title, y_title), f"{heading}: bars", name=name)
    return Figure(heading, svg, caption)


def _trimmed(rows: pl.DataFrame) -> pl.DataFrame:
    """Without the empty ranges before the first and after the last that holds something."""
    filled = rows.with_row_index().filter(pl.col("count") > 0)["index"]
    first, last = int(filled[0]), int(filled[-1])
    return rows[first : last + 1]
