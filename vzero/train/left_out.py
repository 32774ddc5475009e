"""What training leaves out before its first step, and why: rows that would end it, and overlong prompts.

Everything that the run will show a model is looked at: the views of its tasks, by the sizes of their
pictures. Bounds hold for the real prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import polars as pl

from vzero.config import Train
from vzero.methods.base import Sample, Task
from vzero.models.loading import LoadedModel
from vzero.models.prompt import longest_length, prompt_length, refused_picture
from vzero.prompts.views import View
from vzero.tables import LEFT_OUT, LeftOut
from vzero.train.batches import sizes_only
from vzero.train.training_run import TrainingRun

Reason = tuple[str, str]
"""Code and detail."""
Shown = dict[str, tuple[LoadedModel, list[View]]]
"""Models by name, with the views that each is shown."""
Check = Callable[[Sample, Shown], Reason | None]
"""Why a sample cannot be used, if it cannot."""


def left_out(
    index: pl.DataFrame, run: TrainingRun, sized: Callable[[dict[str, Any]], Sample] = sizes_only
) -> pl.DataFrame:
    """Rows of `tables.LeftOut`: samples of the training index that cannot be used, with the first reason.

    `sized` makes a row's sample, with pictures that have a size and no data.
    """
    checks = list(_checks(run.train))
    found = []
    for row in index.iter_rows(named=True):
        if row.get("region") is False:
            found.append((row["sample_id"], "no_region", "the method shows crops, the sample has no box"))
            continue
        sample = sized(row)
        [task] = run.method.tasks([sample])
        shown = _shown(run, task)
        reason = next((reason for check in checks if (reason := check(sample, shown))), None)
        if reason is not None:
            found.append((sample.sample_id, *reason))
    return LeftOut.cast(pl.DataFrame(found, schema=LeftOut.column_names(), orient="row"))


def counts_by_code(rows: pl.DataFrame) -> dict[str, int]:
    """How many rows of `tables.LeftOut` have each code; 0 where none has."""
    return {code: int((rows["code"].cast(pl.String) == code).sum()) for code in LEFT_OUT}


def _shown(run: TrainingRun, task: Task) -> Shown:
    """The views that each model is shown of a task."""
    writes = run.method.settings.teacher == "writes"
    student = [task.learnt] if writes else list(dict.fromkeys([task.asked, task.learnt]))
    scored = [view for views in task.scored.values() for view in views]
    teacher = [task.asked, *scored] if writes else scored
    models = {"student": (run.student, student)}
    if run.teacher is not None:
        models["teacher"] = (run.teacher, teacher)
    return models


def _checks(train: Train) -> Iterator[Check]:
    """In the order of `tables.LEFT_OUT`: lengths are only known of pictures that are not refused."""
    if train.method.labels:
        yield _no_letter
    yield partial(_refused, "student")
    yield partial(_refused, "teacher")
    yield partial(_too_long, "student", train.max_prompt_tokens)
    yield partial(_too_long, "teacher", train.max_teacher_tokens - train.max_new_tokens)


def _no_letter(sample: Sample, shown: Shown) -> Reason | None:
    """Of methods that read labels, for whom the right letter is rewarded."""
    if sample.answer is None:
        return "no_answer", "the method rewards the right letter"
    if not sample.options:
        return "open_question", f"the method rewards the right letter, the answer is {sample.answer[:80]!r}"
    return None


def _refused(name: str, sample: Sample, shown: Shown) -> Reason | None:
    """Whether the model's processor refuses a picture, the sizes being all that it goes by."""
    model, views = shown.get(name, (None, []))
    reasons = (refused_picture(model, view) for view in views if model is not None)
    return next(((f"{name}_picture_refused", reason) for reason in reasons if reason), None)


def _too_long(name: str, limit: int, sample: Sample, shown: Shown) -> Reason | None:
    model, views = shown.get(name, (None, []))
    for view in views:
        # Most need no tokenizer to be known to fit.
        if model is not None and longest_length(model, view) > limit:
            tokens = prompt_length(model, view)
            if tokens > limit:
                return f"{name}_prompt_too_long", f"{tokens} tokens, {limit} are allowed"
    return None
