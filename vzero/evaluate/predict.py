"""Replies of a model to questions, in batches that share pictures, picked up where a killed run stopped."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from vzero.answers.thinking import split_thinking
from vzero.config import Evaluate, Models, Params, SamplerKind, SamplerSettings
from vzero.errors import ChangedError
from vzero.evaluate.asked import Asked, Part
from vzero.evaluate.batching import Cost, batches
from vzero.evaluate.replies import Replies, add_replies, generation_settings, known_replies, reply_key
from vzero.launched import is_first, once, place, together
from vzero.locks import held
from vzero.models.hashing import folder_hash
from vzero.models.loading import LoadedModel, load_model
from vzero.models.pixels import resized
from vzero.models.prompt import Prompt, prompts_of, refused_picture
from vzero.models.served import have_one_shape
from vzero.paths import Paths
from vzero.progress import LoggedProgress
from vzero.rollout.sampler import Decoder, Sampler
from vzero.rollout.samplers import Samplers
from vzero.rollout.sampling import Sampling
from vzero.tables import REFUSED

AT_SERVERS = 128  # questions that are put to servers together; what a killed run asks again
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
    sampler_of: Callable[[LoadedModel], Sampler] = Decoder
    """Who answers for it, once it is loaded."""
    answered_by: SamplerKind = "local"


def stored_model(folder: Path, params: Params, paths: Paths) -> StoredModel:
    """The model in a folder. Loading it raises ChangedError when the folder has been replaced meanwhile.

    Where servers answer, they do so for models of the student's shape; this process does for others.
    """
    name, models, settings = folder_hash(folder), params.models, params.rollout.sampler
    if settings.kind == "server" and not have_one_shape(folder, paths.resolve(models.student)):
        settings = SamplerSettings()
    return StoredModel(
        name,
        models,
        load=lambda: _load_unchanged(folder, models, name),
        sampler_of=lambda model: Samplers(settings, models, paths).of_frozen(model, folder),
        answered_by=settings.kind,
    )


def ask_all(
    parts: Sequence[Part], stored: StoredModel, folder: Path, settings: Evaluate, title: str
) -> pl.DataFrame:
    """A row of `Replies` to every question, in the questions' order.

    What the model's processor refuses is not asked; its row says so. `folder` keeps replies
    (`vzero.evaluate.replies`): only what it lacks is asked, and the model is only loaded then. Batches are
    those of the whole part, so that a killed run goes on with the same ones. Runs that share the folder ask
    one after the other, so that none asks what another is asking. Processes that were launched together take
    batches in turn, with the same replies as one.
    """
    generation = generation_settings(stored.models, settings, stored.answered_by)
    keys = [[reply_key(asked, stored.hash, generation) for asked in part.asked] for part in parts]
    wanted = pl.DataFrame({"key": [key for of_part in keys for key in of_part]}, schema={"key": pl.String})
    with contextlib.ExitStack() as stack:
        if is_first():
            stack.enter_context(held(folder))
        known = once(lambda: set(known_replies(folder)["key"]) & set(wanted["key"]))
        if len(known) < len(wanted):
            _ask_parts(list(zip(parts, keys, strict=True)), stored, folder, settings, title, known)
            together(lambda: None)  # what others have added is there
        return wanted.join(known_replies(folder), on="key", how="left", maintain_order="left")


def _ask_parts(
    parts: Sequence[tuple[Part, list[str]]],
    stored: StoredModel,
    folder: Path,
    settings: Evaluate,
    title: str,
    known: set[str],
) -> None:
    """This process's share of what is not known."""
    model = stored.load()
    sampler = stored.sampler_of(model)
    sampler.follow(model)
    process, processes = place()
    wanted = len({key for _, keys in parts for key in keys})
    if processes > 1:
        title = f"{title} (process 1 of {processes})"
    turns = itertools.cycle(range(processes))
    with LoggedProgress(disable=process > 0) as progress:
        task = progress.add_task(title, total=wanted // processes, completed=len(known) // processes)
        for part, keys in parts:
            if known.issuperset(keys):
                continue
            for questions in _batches(model, part, keys, known, settings, stored.answered_by):
                if next(turns) == process:
                    replies = questions.replies(model, sampler, settings)
                    add_replies(folder, replies)
                    progress.advance(task, len(replies))


def _load_unchanged(folder: Path, models: Models, model_hash: str) -> LoadedModel:
    """A model whose files have the hash by which its replies are kept.

    Raises ChangedError when they no longer have it: another run has published its model there meanwhile.
    """
    model = load_model(folder, models)
    if folder_hash(folder) != model_hash:
        raise ChangedError(f"{folder}: replaced while it was read; run the same command again")
    return model


@dataclass(frozen=True)
class _Questions:
    """Some that are put together: what is asked, under which keys replies are kept, and the prompts."""

    asked: Sequence[Asked]
    keys: Sequence[str]
    prompts: Sequence[Prompt]
    """None where the model's processor takes none of a picture's shape."""

    def replies(self, model: LoadedModel, sampler: Sampler, settings: Evaluate) -> pl.DataFrame:
        if self.prompts:
            rows = _ask(model, sampler, self.asked, self.prompts, settings)
        else:
            rows = pl.DataFrame(
                [_row(each) | REFUSAL for each in self.asked], schema_overrides={"thinking": pl.String}
            )
        return Replies.cast(rows.with_columns(key=pl.Series(self.keys)))


def _batches(
    model: LoadedModel, part: Part, keys: list[str], known: set[str], settings: Evaluate, kind: SamplerKind
) -> Iterator[_Questions]:
    """What is not known of a part: first what the processor refuses, then a batch at a time."""
    named = list(zip(part.asked, keys, strict=True))
    refused = [pair for pair in named if refused_picture(model, pair[0].view)]
    if unsaid := [pair for pair in refused if pair[1] not in known]:
        yield _Questions(*zip(*unsaid, strict=True), prompts=())
    named = [pair for pair in named if pair not in refused]
    images = part.open_images()
    # What no prompt has any more is freed: a batch's pixels go with it.
    prompts = dict(enumerate(prompts_of(model, [asked.opened(images) for asked, _ in named])))
    costs = [_cost(model, asked, prompts[index], settings) for index, (asked, _) in enumerate(named)]
    # Memory of this process bounds nothing where servers answer, who want many prompts at a time.
    if kind == "local":
        chosen = batches(costs, tokens=settings.batch_tokens, pixels=settings.batch_pixels)
    else:
        chosen = _runs(len(costs), AT_SERVERS)
    for batch in chosen:
        asked = {index: prompts.pop(index) for index in batch}
        if missing := [index for index in batch if named[index][1] not in known]:
            put = zip(*(named[index] for index in missing), strict=True)
            yield _Questions(*put, prompts=[asked[index] for index in missing])


def _runs(count: int, length: int) -> Iterator[range]:
    return (range(start, min(start + length, count)) for start in range(0, count, length))


def _cost(model: LoadedModel, asked: Asked, prompt: Prompt, settings: Evaluate) -> Cost:
    pixels = {}
    for picture in asked.view.pictures:
        width, height = resized(model, picture.width, picture.height)
        pixels[picture.name] = width * height
    return Cost(len(prompt.token_ids) + settings.max_new_tokens, pixels)


def _ask(
    model: LoadedModel,
    sampler: Sampler,
    asked: Sequence[Asked],
    prompts: Sequence[Prompt],
    settings: Evaluate,
) -> pl.DataFrame:
    """Columns of `Replies` but for the key."""
    start = time.perf_counter()
    sampling = Sampling(
        temperature=settings.temperature,
        max_new_tokens=settings.max_new_tokens,
        top_p=settings.top_p,
        top_k=settings.top_k,
    )
    replies = sampler.answers(prompts, 1, sampling, [each.seed for each in asked])
    seconds = (time.perf_counter() - start) / len(prompts)
    rows = []
    for each, (reply,) in zip(asked, replies, strict=True):
        first = each.view.pictures[0]
        width, height = resized(model, first.width, first.height)
        thinking, text = split_thinking(reply.text)
        rows.append(
            _row(each)
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
