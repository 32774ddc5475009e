"""Replies of a model to questions, in batches that share pictures, picked up where a killed run stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from vzero.models.encoding import prompt_tokens, refusal, resized, visual_tokens
from vzero.models.hashing import folder_hash
from vzero.models.loading import LoadedModel, load_model
from vzero.progress import LoggedProgress
from vzero.prompts.messages import Prompt, render
from vzero.prompts.parts import Image, Worded
from vzero.rollout.generate import Sampling, generate
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
    refused = [(asked, key) for asked, key in named if _is_refused(model, asked)]
    if rows := [_row(asked) | REFUSAL | {"key": key} for asked, key in refused if key not in known]:
        yield Replies.cast(pl.DataFrame(rows, schema_overrides={"thinking": pl.String}))
    named = [pair for pair in named if pair not in refused]
    images = part.open_images()
    prompts = [_prompt(model, asked, images) for asked, _ in named]
    costs = [_cost(model, asked, prompt, settings) for (asked, _), prompt in zip(named, prompts, strict=True)]
    for batch in batches(costs, tokens=settings.batch_tokens, pixels=settings.batch_pixels):
        missing = [index for index in batch if named[index][1] not in known]
        if missing:
            replies = _ask(
                model, [named[index][0] for index in missing], [prompts[index] for index in missing], settings
            )
            yield Replies.cast(replies.with_columns(key=pl.Series([named[index][1] for index in missing])))


def _is_refused(model: LoadedModel, asked: Asked) -> bool:
    return any(refusal(model, picture.width, picture.height) for picture in asked.pictures)


def _prompt(model: LoadedModel, asked: Asked, images: Mapping[str, bytes]) -> Prompt:
    shown = [images[picture.sha256] for picture in asked.pictures]
    return replace(worded_prompt(model, asked.worded, shown), row=f"{asked.benchmark} {asked.item}")


def worded_prompt(model: LoadedModel, worded: Worded, images: Sequence[bytes]) -> Prompt:
    """A question in words as the model's chat template has it; `images` by their numbers in it."""
    content: list[dict[str, Any]] = [
        {"type": "image"} if isinstance(part, Image) else {"type": "text", "text": part}
        for part in worded.parts
    ]
    system = [{"role": "system", "content": worded.system}] if worded.system is not None else []
    shown = tuple(images[part.number] for part in worded.parts if isinstance(part, Image))
    return Prompt(shown, render(model, [*system, {"role": "user", "content": content}]))


def _cost(model: LoadedModel, asked: Asked, prompt: Prompt, settings: Evaluate) -> Cost:
    visual = sum(visual_tokens(model, picture.width, picture.height) for picture in asked.pictures)
    pixels = {}
    for picture in asked.pictures:
        width, height = resized(model, picture.width, picture.height)
        pixels[picture.sha256] = width * height
    return Cost(prompt_tokens(model, prompt.text, visual) + settings.max_new_tokens, pixels)


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
    replies = generate(model, prompts, sampling, group=1, seed=[once.seed for once in asked])
    seconds = (time.perf_counter() - start) / len(prompts)
    rows = []
    for once, (reply,) in zip(asked, replies, strict=True):
        width, height = resized(model, once.pictures[0].width, once.pictures[0].height)
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
        "view": asked.view,
        "seed": asked.seed,
        "prompt_hash": asked.prompt_hash,
        "image_hash": asked.image_hash,
    }
