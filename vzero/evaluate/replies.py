"""Replies that were already given, kept by everything that a reply depends on; refusals are among them.

A store is a folder of shards, one a batch, that is only ever added to. A run asks what is not in it: a killed
run goes on, a reader that reads the same replies asks nothing, and a changed setting never finds a stale row.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import dataframely as dy
import polars as pl

from vzero.config import Evaluate, Models, SamplerKind
from vzero.evaluate.asked import Asked
from vzero.shards import UNFINISHED, content_hash, files, write_table
from vzero.tables import FINISH_REASONS, REFUSED

PACKAGE = Path(__file__).parents[1]
ENGINE = tuple(PACKAGE / part for part in ("imaging", "models", "prompts/messages.py", "rollout"))
"""Code that decides what a model says."""


class Replies(dy.Schema):
    """One row a reply."""

    key = dy.String(primary_key=True)
    item = dy.String(nullable=False)
    view = dy.String(nullable=False)
    seed = dy.Int32(nullable=False)
    prompt_hash = dy.String(nullable=False)
    image_hash = dy.String(nullable=False)
    shown_width = dy.Int32(nullable=False)  # of the first picture, after resizing; 0: refused
    shown_height = dy.Int32(nullable=False)
    thinking = dy.String(nullable=True)
    text = dy.String(nullable=False)
    finish_reason = dy.Enum([*FINISH_REASONS, REFUSED], nullable=False)
    seconds = dy.Float32(nullable=False)  # the batch's, shared equally


def generation_settings(models: Models, settings: Evaluate, answered_by: SamplerKind) -> str:
    """Everything but the question that a model's reply depends on, as text."""
    chosen = settings.model_dump(include={"temperature", "top_p", "top_k", "max_new_tokens"})
    pictured = models.model_dump(include={"min_pixels", "max_pixels", "precision", "tf32", "thinking"})
    return json.dumps([chosen, pictured, answered_by, content_hash(*ENGINE)], sort_keys=True)


def reply_key(asked: Asked, model_hash: str, settings: str) -> str:
    """Hash of the model, the question with its pictures and their sizes, and the generation settings."""
    sizes = [[picture.width, picture.height] for picture in asked.view.pictures]
    question = [asked.benchmark, asked.item, asked.view.role, asked.seed]
    shown = [asked.prompt_hash, asked.image_hash, sizes]
    return hashlib.sha256(json.dumps([model_hash, *question, *shown, settings]).encode()).hexdigest()


def known_replies(folder: Path) -> pl.DataFrame:
    """All replies of a store that this process holds; none where there is no folder yet."""
    for leftover in folder.glob(UNFINISHED):
        leftover.unlink()
    parts = files(folder)
    if not parts:
        return Replies.create_empty()
    # One by one, because those of an earlier version know fewer finish reasons.
    stored = pl.concat(Replies.cast(pl.read_parquet(part)) for part in parts)
    return stored.unique("key", keep="first", maintain_order=True)


def add_replies(folder: Path, replies: pl.DataFrame) -> None:
    """A new shard, whole or not at all."""
    name = hashlib.sha256("".join(sorted(replies["key"])).encode()).hexdigest()[:16]
    write_table(folder / f"part-{name}.parquet", replies, Replies)
