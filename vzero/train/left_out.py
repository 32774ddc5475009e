"""What training leaves out before its first step, and why: rows that would end it, and overlong prompts.

Everything that the run will show a model is looked at: the student's full image, and for the teacher full
image and crop, in both views where the negative one is replayed. Bounds hold for the real prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import polars as pl

from vzero.config import Train
from vzero.models.encoding import prompt_tokens, refusal, visual_tokens
from vzero.models.loading import LoadedModel
from vzero.prompts.messages import render, student_messages, teacher_messages
from vzero.tables import LEFT_OUT, LeftOut

Row = dict[str, Any]
Pictures = Iterator[tuple[str, tuple[int, int]]]
"""What a view shows: name, and width and height in pixels."""
Check = Callable[[Row], tuple[str, str] | None]
"""Code and detail where a row of the training index cannot be used."""
TEMPLATE_BYTES = 600  # more than any chat template and our fixed sentences add


def left_out(
    index: pl.DataFrame, student: LoadedModel, teacher: LoadedModel | None, train: Train, *, contrast: bool
) -> pl.DataFrame:
    """Rows of `tables.LeftOut`: the samples of the training index that cannot be used, with the first reason.

    Where the index has answers, samples without an option letter to compare with are among them. Without a
    teacher the student's checks are the only ones; `contrast`: the teacher is shown the negative views.
    """
    checks = list(_checks(student, teacher, train, contrast))
    found = []
    for row in index.iter_rows(named=True):
        reason = next((reason for check in checks if (reason := check(row))), None)
        if reason is not None:
            found.append((row["sample_id"], *reason))
    return LeftOut.cast(pl.DataFrame(found, schema=LeftOut.column_names(), orient="row"))


def counts_by_code(rows: pl.DataFrame) -> dict[str, int]:
    """How many rows of `tables.LeftOut` have each code; 0 where none has."""
    return {code: int((rows["code"].cast(pl.String) == code).sum()) for code in LEFT_OUT}


def _checks(
    student: LoadedModel, teacher: LoadedModel | None, train: Train, contrast: bool
) -> Iterator[Check]:
    """In the order of `tables.LEFT_OUT`: lengths are only known of pictures that are not refused."""
    yield _no_letter
    yield _refused(student, "student_picture_refused", _full_image)
    if teacher is not None:
        views = _both_views if contrast else _positive_view
        yield _refused(teacher, "teacher_picture_refused", views)
    limit = train.max_prompt_tokens
    yield _too_long(student, "student_prompt_too_long", _full_image, student_messages, limit)
    if teacher is not None:
        limit = train.max_teacher_tokens - train.max_new_tokens
        yield _too_long(teacher, "teacher_prompt_too_long", _positive_view, teacher_messages, limit)


def _no_letter(row: Row) -> tuple[str, str] | None:
    """Only of an index with answers, for the recipe that rewards the right letter."""
    if "answer" in row and row["answer"] is None:
        return "no_answer", "the recipe rewards the right letter"
    if "answer" in row and not row["options"]:
        return "open_question", f"the recipe rewards the right letter, the answer is {row['answer'][:80]!r}"
    return None


def _refused(model: LoadedModel, code: str, pictures: Callable[[Row], Pictures]) -> Check:
    """Whether the model's processor refuses a picture, the sizes being all that it goes by."""
    known = cache(partial(refusal, model))

    def check(row: Row) -> tuple[str, str] | None:
        reasons = ((name, known(*extent)) for name, extent in pictures(row))
        return next(((code, f"{name} of {reason}") for name, reason in reasons if reason), None)

    return check


def _too_long(
    model: LoadedModel,
    code: str,
    pictures: Callable[[Row], Pictures],
    messages: Callable[[str, list[str]], list[dict[str, Any]]],
    limit: int,
) -> Check:
    known = cache(partial(visual_tokens, model))

    def check(row: Row) -> tuple[str, str] | None:
        visual = sum(known(*extent) for _, extent in pictures(row))
        # A token is at least one byte of text: most rows need no tokenizer to be known to fit.
        longest = len(row["question"].encode()) + sum(len(option.encode()) + 4 for option in row["options"])
        if visual + longest + TEMPLATE_BYTES <= limit:
            return None
        tokens = prompt_tokens(model, render(model, messages(row["question"], row["options"])), visual)
        return (code, f"{tokens} tokens, {limit} are allowed") if tokens > limit else None

    return check


def _full_image(row: Row) -> Pictures:
    yield "image", (row["width"], row["height"])


def _positive_view(row: Row) -> Pictures:
    yield from _full_image(row)
    yield "crop", (row["crop_width"], row["crop_height"])


def _both_views(row: Row) -> Pictures:
    """A negative crop has the positive's sides and stands beside the same image, but for one strategy."""
    yield from _positive_view(row)
    if row["strategy"] == "downsampled":
        for name, (width, height) in _positive_view(row):
            yield f"negative {name}", (max(width // 2, 1), max(height // 2, 1))
