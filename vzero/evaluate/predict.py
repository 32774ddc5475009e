"""Replies of a model to questions, in batches that share pictures, picked up where a killed run stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from vzero.answers.thinking import split_thinking
from vzero.config import Evaluate, Models
from vzero.errors import ChangedError
from vzero.evaluate.asked import Asked, Part
from vzero.evaluate.batching import Cost, batches
from vzero.evaluate.replies import Replies, add_replies, generation_settings, known_replies, reply_key
from vzero.locks import held
from vzero.models.hashing import folder_hash
from vzero.models.loading import LoadedModel, load_model
from vzero.models.pixels import resized
from vzero.models.prompt import Prompt, prompts_of, refused_picture
from vzero.progress import LoggedProgress
from vzero.rollout.sampler import Decoder
from vzero.rollout.sampling import Sampling
from vzero.tables import REFUSED

REFUSAL: dict[str, Any] = {
    "shown_width": 0,
    "shown_height": 0,
    "thinking": None,
    "text": "",
    "finish_reason": REFUSED,
    "seconds": 0.0,
}
"""In the place of a reply where the model's processor takes none of a picture's shape."""


@dataclass(frozen=True)
class StoredModel:
    """A model that is only loaded if there is something left to ask it."""

    hash: str
    """Of its folder's bytes: the name by which its replies are kept."""
    models: Models
    """How it is loaded."""
    load: Callable[[], LoadedModel]


def stored_model(folder: Path, models: Models) -> StoredModel:
    """The model in a folder. Loading it raises ChangedError when the folder has been replaced meanwhile."""
    name = folder_hash(folder)
    return StoredModel(name, models, lambda: _load_unchanged(folder, models, name))


def ask_all(
    parts: Sequence[Part], stored: StoredModel, folder: Path, settings: Evaluate, title: str
) -> pl.DataFrame:
    """A row of `Replies` to every question, in the questions' order.

    What the model's processor refuses is not asked; its row says so. `folder` keeps replies
    (`vzero.evaluate.replies`): only what it lacks is asked, and the model is only loaded then. Batches are
    those of the whole part, so that a killed run goes on with the same ones. Runs that share the folder ask
    one after the other, so that none asks what another is asking.
    """
    generation = generation_settings(stored.models, settings)
    keys = [[reply_key(asked, stored.hash, generation) for asked in part.asked] for part in parts]
    wanted = pl.DataFrame({"key": [key for of_part in keys for key in of_part]}, schema={"key": pl.String})
    with held(folder):
        known = set(known_replies(folder)["key"]) & set(wanted["key"])
        if len(known) < len(wanted):
            model = stored.load()
            with LoggedProgress() as progress:
                task = progress.add_task(title, total=len(wanted), completed=len(known))
                for part, names in zip(parts, keys, strict=True):
                    if known.issuperset(names):
                        continue
                    for replies in _ask_part(model, part, names, known, settings):
                        add_replies(folder, replies)
                        progress.advance(task, len(replies))
        return wanted.join(known_replies(folder), on="key", how="left", maintain_order="left")


def _load_unchanged(folder: Path, models: Models, model_hash: str) -> LoadedModel:
    """A model whose files have the hash by which its replies are kept.

    Raises ChangedError when they no longer have it: another run has published its model there meanwhile.
    """
    model = load_model(folder, models)
    if folder_hash(folder) != model_hash:
        raise ChangedError(f"{folder}: replaced while it was read; run the same command again")
    return model


def _ask_part(
    model: LoadedModel, part: Part, keys: list[str], known: set[str], settings: Evaluate
) -> Iterator[pl.DataFrame]:
    """Replies to what is not known of a part, a batch at a time; first to what the processor refuses."""
    named = list(zip(part.asked, keys, strict=True))
    refused = [(asked, key) for asked, key in named if refused_picture(model, asked.view)]
    if rows := [_row(asked) | REFUSAL | {"key": key} for asked, key in refused if key not in known]:
        yield Replies.cast(pl.DataFrame(rows, schema_overrides={"thinking": pl.String}))
    named = [pair for pair in named if pair not in refused]
    images = part.open_images()
    # What no prompt has any more is freed: a batch's pixels go with it.
    prompts = dict(enumerate(prompts_of(model, [asked.opened(images) for asked, _ in named])))
    costs = [_cost(model, asked, prompts[index], settings) for index, (asked, _) in enumerate(named)]
    for batch in batches(costs, tokens=settings.batch_tokens, pixels=settings.batch_pixels):
        asked = {index: prompts.pop(index) for index in batch}
        missing = [index for index in batch if named[index][1] not in known]
        if missing:
            replies = _ask(
                model, [named[index][0] for index in missing], [asked[index] for index in missing], settings
            )
            yield Replies.cast(replies.with_columns(key=pl.Series([named[index][1] for index in missing])))


def _cost(model: LoadedModel, asked: Asked, prompt: Prompt, settings: Evaluate) -> Cost:
    pixels = {}
    for picture in asked.view.pictures:
        width, height = resized(model, picture.width, picture.height)
        pixels[picture.name] = width * height
    return Cost(len(prompt.token_ids) + settings.max_new_tokens, pixels)


def _ask(
    model: LoadedModel, asked: Sequence[Asked], prompts: Sequence[Prompt], settings: Evaluate
) -> pl.DataFrame:
    """Columns of `Replies` but for the key."""
    start = time.perf_counter()
    sampling = Sampling(
        temperature=settings.temperature,
        max_new_tokens=settings.max_new_tokens,
        top_p=settings.top_p,
        top_k=settings.top_k,
    )
    replies = Decoder(model).answers(prompts, 1, sampling, [once.seed for once in asked])
    seconds = (time.perf_counter() - start) / len(prompts)
    rows = []
    for once, (reply,) in zip(asked, replies, strict=True):
        first = once.view.pictures[0]
        width, height = resized(model, first.width, first.height)
        thinking, text = split_thinking(reply.text)
        rows.append(
            _row(once)
            | {
                "shown_width": width,
                "shown_height": height,
                "thinking": thinking,
                "text": text,
                "finish_reason": reply.finish_reason,
                "seconds": seconds,
            }
        )
    return pl.DataFrame(rows)


def _row(asked: Asked) -> dict[str, Any]:
    """What a reply is to."""
    return {
        "item": asked.item,
        "view": asked.view.role,
        "seed": asked.seed,
        "prompt_hash": asked.prompt_hash,
        "image_hash": asked.image_hash,
    }
