"""How long the prompts of training are: text and image tokens under the pixel budget, without weights."""

from __future__ import annotations

from collections.abc import Callable
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
    picture that its processor refuses the sample's cell.
    """
    drawn = _draw(inputs)
    columns, notes = {}, []
    for name, view_of in (("student", _student_view), ("teacher", _teacher_view)):
        folder = resolve(getattr(models, name))
        try:
            processors = load_processors(folder, models)
        except (ModelError, OSError, ValueError) as error:
            notes.append(f"The {name}'s prompts are not counted: {error}")
            columns[f"{name}_tokens"] = [None] * drawn.height
        else:
            counted = columns[f"{name}_tokens"] = _tokens(processors, drawn, view_of)
            if refused := counted.count(None):
                notes.append(
                    f"The {name}'s processor refuses a picture of {refused:,} of the {drawn.height:,} "
                    "counted samples: their prompts have no length, and training leaves them out"
                )
    lengths = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64))
    return pl.concat([drawn.select("source"), lengths], how="horizontal"), notes


def _draw(inputs: Inputs) -> pl.DataFrame:
    crops = inputs.crops.select("sample_id", crop_width="width", crop_height="height")
    samples = inputs.samples.join(crops, on="sample_id")
    order = [xxhash.xxh64_intdigest(name.encode()) for name in samples["sample_id"]]
    shuffled = samples.with_columns(order=pl.Series(order, dtype=pl.UInt64)).sort("order")
    return shuffled.group_by("source", maintain_order=True).head(SAMPLES)


def _student_view(row: dict[str, Any]) -> View:
    return full_view(row["question"], row["options"], [Picture("image", row["width"], row["height"])])


def _teacher_view(row: dict[str, Any]) -> View:
    crop = Picture("crop", row["crop_width"], row["crop_height"])
    return with_crop(_student_view(row), crop, POSITIVE)


def _tokens(
    processors: Processors, samples: pl.DataFrame, view_of: Callable[[dict[str, Any]], View]
) -> list[int | None]:
    """Tokens of every sample's prompt, None where a picture is refused."""
    views = map(view_of, samples.iter_rows(named=True))
    return [None if refused_picture(processors, view) else prompt_length(processors, view) for view in views]
