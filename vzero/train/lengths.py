"""Leave out samples whose prompts are too long, before training, counted by reason.

The teacher's bound is checked against its real prompt: full image, crop, text and the longest answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from vzero.config import Train
from vzero.models.loading import LoadedModel
from vzero.models.prompts import render, student_messages, teacher_messages


def within_limits(
    index: pl.DataFrame, student: LoadedModel, teacher: LoadedModel, train: Train
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows of the training index that fit, and how many did not, by reason."""
    image = _visual_tokens(student, index["width"], index["height"])
    teacher_image = _visual_tokens(teacher, index["width"], index["height"])
    crop = _visual_tokens(teacher, index["crop_width"], index["crop_height"])
    teacher_limit = train.max_teacher_tokens - train.max_new_tokens
    fits_student, fits_teacher = [], []
    for row, pixels, teacher_pixels, crop_pixels in zip(
        index.iter_rows(named=True), image, teacher_image, crop, strict=True
    ):
        fits_student.append(_fits(student, student_messages, row, pixels, train.max_prompt_tokens))
        fits_teacher.append(
            _fits(teacher, teacher_messages, row, teacher_pixels + crop_pixels, teacher_limit)
        )
    fits = pl.DataFrame({"student": fits_student, "teacher": fits_teacher})
    left_out = {
        "student_prompt_too_long": int((~fits["student"]).sum()),
        "teacher_prompt_too_long": int((fits["student"] & ~fits["teacher"]).sum()),
    }
    return index.filter(fits["student"] & fits["teacher"]), left_out


def _visual_tokens(model: LoadedModel, widths: pl.Series, heights: pl.Series) -> list[int]:
    processor = model.image_processor
    known: dict[tuple[int, int], int] = {}
    for size in set(zip(widths, heights, strict=True)):
        width, height = size
        known[size] = processor.get_number_of_image_patches(height, width) // processor.merge_size**2
    return [known[size] for size in zip(widths, heights, strict=True)]


def _fits(
    model: LoadedModel,
    messages: Callable[[str, list[str]], list[dict[str, Any]]],
    row: dict[str, Any],
    visual: int,
    limit: int,
) -> bool:
    # A token is at least one byte of text: most rows need no tokenizer to be known to fit.
    longest = len(row["question"].encode()) + sum(len(option.encode()) + 4 for option in row["options"])
    if visual + longest + TEMPLATE_BYTES <= limit:
        return True
    text = render(model, messages(row["question"], row["options"]))
    images = text.count(model.tokenizer.convert_ids_to_tokens(model.image_token))
    return len(model.tokenizer(text, add_special_tokens=False)["input_ids"]) - images + visual <= limit


TEMPLATE_BYTES = 600  # more than any chat template and our fixed sentences add
