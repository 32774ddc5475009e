"""Greedy replies of a model, in batches of similar length, picked up where a killed run stopped."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import dataframely as dy
import polars as pl
from rich.progress import track

from vzero.imaging import probe
from vzero.models.loading import LoadedModel
from vzero.models.prompts import Prompt, student_prompt, teacher_prompt
from vzero.rollout.generate import generate
from vzero.shards import read, shard_path, write_table
from vzero.tables import FINISH_REASONS


class Replies(dy.Schema):
    """Raw replies, one shard a batch. Lives in scratch until the run is complete."""

    item = dy.String(primary_key=True)
    view = dy.String(primary_key=True)
    prompt_hash = dy.String(nullable=False)  # sha256 of the final prompt text
    text = dy.String(nullable=False)
    finish_reason = dy.Enum(FINISH_REASONS, nullable=False)
    seconds = dy.Float32(nullable=False)  # the batch's, shared equally


def ask_all(
    questions: pl.DataFrame,
    load: Callable[[], LoadedModel],
    folder: Path,
    *,
    batch: int,
    max_new_tokens: int,
    title: str,
) -> pl.DataFrame:
    """Replies to every question: columns item, view, images, question, options in, `Replies` out.

    Every batch becomes a shard of `folder` as soon as it is answered, and batches found there are not asked
    again; the caller keys the folder by everything a reply depends on. The model is only loaded if needed.
    """
    batches = list(_similar_lengths_together(questions).iter_slices(batch))
    missing = [index for index in range(len(batches)) if not shard_path(folder, index).exists()]
    if missing:
        model = load()
        done = len(batches) - len(missing)
        for index in track(missing, description=title, total=len(batches), completed=done):
            replies = _ask(model, batches[index], max_new_tokens)
            write_table(shard_path(folder, index), replies, Replies)
    return read(folder, Replies)


def _similar_lengths_together(questions: pl.DataFrame) -> pl.DataFrame:
    """Sorted by what a prompt costs, so that a batch pads little; ties by name, so batches never change."""
    pixels = [sum(_pixels(image) for image in images) for images in questions["images"].to_list()]
    order = questions.select(
        "item",
        "view",
        pictures=pl.col("images").list.len(),
        pixels=pl.Series(pixels),
        letters=pl.col("question").str.len_chars()
        + pl.col("options").list.eval(pl.element().str.len_chars()).list.sum(),
    )
    keys = ["pictures", "pixels", "letters", "item", "view"]
    return questions[order.with_row_index("row").sort(keys)["row"]]


def _pixels(image: bytes) -> int:
    width, height, _ = probe(image)
    return width * height


def _ask(model: LoadedModel, questions: pl.DataFrame, max_new_tokens: int) -> pl.DataFrame:
    start = time.perf_counter()
    rows = questions.select("images", "question", "options").iter_rows()
    prompts = [_prompt(model, *row) for row in rows]
    replies = generate(model, prompts, group=1, max_new_tokens=max_new_tokens, temperature=0.0, seed=0)
    seconds = (time.perf_counter() - start) / len(prompts)
    return questions.select("item", "view").with_columns(
        prompt_hash=_column(hashlib.sha256(prompt.text.encode()).hexdigest() for prompt in prompts),
        text=_column(reply.text for (reply,) in replies),
        finish_reason=_column(reply.finish_reason for (reply,) in replies),
        seconds=pl.lit(seconds),
    )


def _column(values: Iterable[str]) -> pl.Series:
    return pl.Series(list(values), dtype=pl.String)


def _prompt(model: LoadedModel, images: list[bytes], question: str, options: list[str]) -> Prompt:
    if len(images) == 2:
        return teacher_prompt(model, images[0], images[1], question, options)
    return student_prompt(model, images[0], question, options)
