"""How long the prompts of training are: text and image tokens under the pixel budget, without weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

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
    picture that its processor refuses the sample's cell.
    """
    drawn = _draw(inputs)
    columns, notes = {}, []
    for name, count in (("student", _student_tokens), ("teacher", _teacher_tokens)):
        folder = resolve(getattr(models, name))
        try:
            processors = load_processors(folder, models)
        except (ModelError, OSError, ValueError) as error:
            notes.append(f"The {name}'s prompts are not counted: {error}")
            columns[f"{name}_tokens"] = [None] * drawn.height
        else:
            counted = columns[f"{name}_tokens"] = list(count(processors, drawn))
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


def _student_tokens(processors: Processors, samples: pl.DataFrame) -> Iterator[int | None]:
    tokens = _image_tokens(processors)
    for row in samples.iter_rows(named=True):
        text = render(processors, student_messages(row["question"], row["options"]))
        visual = tokens(row["width"], row["height"])
        yield None if visual is None else prompt_tokens(processors, text, visual)


def _teacher_tokens(processors: Processors, samples: pl.DataFrame) -> Iterator[int | None]:
    tokens = _image_tokens(processors)
    for row in samples.iter_rows(named=True):
        text = render(processors, teacher_messages(row["question"], row["options"]))
        image, crop = tokens(row["width"], row["height"]), tokens(row["crop_width"], row["crop_height"])
        yield None if image is None or crop is None else prompt_tokens(processors, text, image + crop)


def _image_tokens(processors: Processors) -> Callable[[int, int], int | None]:
    """Tokens of an image of this size, None where it is refused. Many images have the same size."""

    @cache
    def tokens(width: int, height: int) -> int | None:
        return (
            visual_tokens(processors, width, height) if refusal(processors, width, height) is None else None
        )

    return tokens
