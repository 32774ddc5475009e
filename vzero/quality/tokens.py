"""How long the prompts of training are: text and image tokens under the pixel budget, without weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import polars as pl
import xxhash

from vzero.config import Models
from vzero.errors import ModelError
from vzero.models.loading import Processors, load_processors
from vzero.models.prompt import prompt_length, refused_picture
from vzero.prompts.views import POSITIVE, Picture, View, full_view, with_crop
from vzero.quality.inputs import Inputs

SAMPLES = 2_000  # of a source, drawn by a hash of their id: a tokenizer takes a millisecond a prompt


def prompt_lengths(
    inputs: Inputs, models: Models, resolve: Callable[[Path], Path]
) -> tuple[pl.DataFrame, list[str]]:
    """Tokens of the student's prompt (image, question) and of the teacher's (image, crop, question).

    The first result has the columns source, student_tokens and teacher_tokens, a row a drawn sample. The
    second says what could not be counted: a model whose folder does not load leaves its column null, and a
    picture that its processor refuses the sample's cell. The teacher is not asked without a crop.
    """
    drawn = _draw(inputs)
    rows = drawn.to_dicts()
    columns, notes = {}, []
    for name, view_of in (("student", _student_view), ("teacher", _teacher_view)):
        folder = resolve(getattr(models, name))
        try:
            processors = load_processors(folder, models)
        except (ModelError, OSError, ValueError) as error:
            notes.append(f"The {name}'s prompts are not counted: {error}")
            columns[f"{name}_tokens"] = [None] * len(rows)
        else:
            asked = [row for row in rows if name == "student" or row["crop_width"] is not None]
            lengths = _tokens(processors, map(view_of, asked))
            counted = dict(zip((row["sample_id"] for row in asked), lengths, strict=True))
            columns[f"{name}_tokens"] = [counted.get(row["sample_id"]) for row in rows]
            if refused := lengths.count(None):
                notes.append(
                    f"The {name}'s processor refuses a picture of {refused:,} of the {len(asked):,} "
                    "counted samples: their prompts have no length, and training leaves them out"
                )
    table = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64))
    return pl.concat([drawn.select("source"), table], how="horizontal"), notes


def _draw(inputs: Inputs) -> pl.DataFrame:
    crops = inputs.crops.select("sample_id", crop_width="width", crop_height="height")
    samples = inputs.samples.join(crops, on="sample_id", how="left")
    order = [xxhash.xxh64_intdigest(name.encode()) for name in samples["sample_id"]]
    shuffled = samples.with_columns(order=pl.Series(order, dtype=pl.UInt64)).sort("order")
    drawn = shuffled.group_by("source", maintain_order=True).head(SAMPLES)
    sizes = inputs.images.select(more_image_ids="image_id", further=pl.concat_list("width", "height"))
    each = drawn.select("sample_id", "more_image_ids").explode("more_image_ids").drop_nulls()
    sized = each.join(sizes, on="more_image_ids", maintain_order="left")
    further = sized.group_by("sample_id", maintain_order=True).agg("further")
    return drawn.join(further, on="sample_id", how="left", maintain_order="left")


def _student_view(row: dict[str, Any]) -> View:
    extents = [(row["width"], row["height"]), *(row["further"] or ())]
    return full_view(row["question"], row["options"], [Picture("image", *extent) for extent in extents])


def _teacher_view(row: dict[str, Any]) -> View:
    crop = Picture("crop", row["crop_width"], row["crop_height"])
    return with_crop(_student_view(row), crop, POSITIVE)


def _tokens(processors: Processors, views: Iterable[View]) -> list[int | None]:
    """Tokens of every view's prompt, None where a picture is refused."""
    return [None if refused_picture(processors, view) else prompt_length(processors, view) for view in views]
