"""How long the prompts of training are: text and image tokens under the pixel budget, without weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import polars as pl
import xxhash

from vzero.config import Models
from vzero.errors import ModelError
from vzero.models.encoding import prompt_tokens, refusal, visual_tokens
from vzero.models.loading import Processors, load_processors
from vzero.prompts.messages import render, student_messages, teacher_messages
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
    for name, count in (("student", _student_tokens), ("teacher", _teacher_tokens)):
        folder = resolve(getattr(models, name))
        try:
            processors = load_processors(folder, models)
        except (ModelError, OSError, ValueError) as error:
            notes.append(f"The {name}'s prompts are not counted: {error}")
            columns[f"{name}_tokens"] = [None] * len(rows)
        else:
            asked = [row for row in rows if name == "student" or row["crop_width"] is not None]
            counted = dict(zip((row["sample_id"] for row in asked), count(processors, asked), strict=True))
            columns[f"{name}_tokens"] = [counted.get(row["sample_id"]) for row in rows]
            if refused := list(counted.values()).count(None):
                notes.append(
                    f"The {name}'s processor refuses a picture of {refused:,} of the {len(asked):,} "
                    "counted samples: their prompts have no length, and training leaves them out"
                )
    lengths = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64))
    return pl.concat([drawn.select("source"), lengths], how="horizontal"), notes


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


def _student_tokens(processors: Processors, rows: list[dict[str, Any]]) -> Iterator[int | None]:
    tokens = _image_tokens(processors)
    for row in rows:
        text = render(processors, student_messages(row["question"], row["options"]))
        visual = tokens(_images(row))
        yield None if visual is None else prompt_tokens(processors, text, visual)


def _teacher_tokens(processors: Processors, rows: list[dict[str, Any]]) -> Iterator[int | None]:
    tokens = _image_tokens(processors)
    for row in rows:
        text = render(processors, teacher_messages(row["question"], row["options"]))
        visual = tokens([*_images(row), (row["crop_width"], row["crop_height"])])
        yield None if visual is None else prompt_tokens(processors, text, visual)


def _images(row: dict[str, Any]) -> list[tuple[int, int]]:
    """Width and height of all images of a sample."""
    further = [(width, height) for width, height in row["further"] or ()]
    return [(row["width"], row["height"]), *further]


def _image_tokens(processors: Processors) -> Callable[[list[tuple[int, int]]], int | None]:
    """Tokens of images of these sizes, None where one is refused. Many images have the same size."""
    refused, tokens = cache(partial(refusal, processors)), cache(partial(visual_tokens, processors))

    def together(extents: list[tuple[int, int]]) -> int | None:
        if any(refused(*extent) is not None for extent in extents):
            return None
        return sum(tokens(*extent) for extent in extents)

    return together
