"""Teach the player: the shipped student goes on learning, with the tags of written questions as tokens.

Its state stays in the work folder, so an interrupted run goes on, to the same bytes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console

from vzero.config import Models
from vzero.models.encoding import pad_rows
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import prompts_of
from vzero.needle.architecture import save
from vzero.needle.playing import Distraction, PlayerLesson, Reply, draw_lessons
from vzero.prompts.roles import TAGS
from vzero.rollout.replay import replay
from vzero.rollout.responses import sampled_logprobs, vocabulary_logits
from vzero.shards import atomic_path

SAVE_EVERY = 50  # steps
PRINT_EVERY = 25  # steps
WARM_UP = 30  # steps


@dataclass(frozen=True)
class PlayerRecipe:
    steps: int = 2800
    cycle: int = 1400
    """Steps after which the learning rate, which falls to the end of each cycle, starts again."""
    learning_rate: float = 1.5e-3
    fall: float = 0.25  # share of a cycle over which the learning rate falls
    seed: int = 5
    asking: tuple[int, tuple[Reply, ...]] = (3, ("ask", "ask"))
    answering: tuple[int, tuple[Reply, ...]] = (6, ("slow", "slow", "fast"))
    """Pictures in a step, and the replies that each is there for."""
    weights: dict[Reply, float] = field(default_factory=lambda: {"ask": 0.5, "slow": 0.5, "fast": 0.1})
    """Of each kind's nats a token in the loss."""
    distraction: Distraction = field(default_factory=Distraction)


RECIPE = PlayerRecipe()


def teach_player(student: Path, work: Path, target: Path, recipe: PlayerRecipe = RECIPE) -> float:
    """Make the player in `target` out of the student in a folder; returns the seconds of a processor."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    player = with_tags(load_model(student, Models(), device="cpu", trainable=True), seed=recipe.seed)
    optimizer = torch.optim.AdamW(
        player.network.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    state, first, seconds = work / "player.pt", 0, 0.0
    if state.is_file():
        kept = torch.load(state, weights_only=True)
        player.network.load_state_dict(kept["player"])
        optimizer.load_state_dict(kept["optimizer"])
        first, seconds = kept["step"], kept["seconds"]
    average: dict[str, float] = {}
    for step in range(first, recipe.steps):
        started = time.process_time()
        for kind, nats in teach_step(player, optimizer, recipe, step).items():
            average[kind] = 0.95 * average.get(kind, nats) + 0.05 * nats
        seconds += time.process_time() - started
        if (step + 1) % PRINT_EVERY == 0:
            shown = {kind: round(nats, 3) for kind, nats in average.items()}
            Console().print(f"player {step + 1}/{recipe.steps} {seconds:.0f} s {json.dumps(shown)}")
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == recipe.steps:
            with atomic_path(state) as temporary:
                weights = {"player": player.network.state_dict(), "optimizer": optimizer.state_dict()}
                torch.save(weights | {"step": step + 1, "seconds": seconds}, temporary)
    save(target, player.network, player.tokenizer)  # pyright: ignore[reportArgumentType]
    return seconds


def with_tags(model: LoadedModel, *, seed: int) -> LoadedModel:
    """The model with a token for every tag; ordinary ones, which decoded replies show."""
    torch.manual_seed(seed)
    model.tokenizer.add_tokens(list(TAGS), special_tokens=False)
    model.network.resize_token_embeddings(len(model.tokenizer), mean_resizing=False)
    return replace(model)  # which knows nothing of the tokenizer as it was


def teach_step(
    player: LoadedModel, optimizer: torch.optim.Optimizer, recipe: PlayerRecipe, step: int
) -> dict[str, float]:
    """One update; returns nats a token by kind of reply."""
    rng = np.random.default_rng([recipe.seed, step])
    nats: dict[Reply, torch.Tensor] = {}
    # Asking and answering are replayed apart: they differ in length, and padding costs what tokens do.
    for pictures, replies in (recipe.asking, recipe.answering):
        lessons = [
            lesson for _ in range(pictures) for lesson in draw_lessons(rng, replies, recipe.distraction)
        ]
        nats |= nats_by_reply(player, lessons)
    optimizer.zero_grad()
    torch.stack([nats[reply] * weight for reply, weight in recipe.weights.items()]).sum().backward()
    torch.nn.utils.clip_grad_norm_(player.network.parameters(), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(recipe, step)
    optimizer.step()
    return {reply: value.item() for reply, value in nats.items()}


def learning_rate(recipe: PlayerRecipe, step: int) -> float:
    """Of a step: a warm-up, the rate, and a linear fall, in every cycle."""
    place = step % recipe.cycle
    falling = (recipe.cycle - place) / (recipe.fall * recipe.cycle) if recipe.fall else 1.0
    return recipe.learning_rate * min(1.0, (place + 1) / WARM_UP, max(falling, 0.05))


def nats_by_reply(player: LoadedModel, lessons: Sequence[PlayerLesson]) -> dict[Reply, torch.Tensor]:
    """Mean nats () of the tokens that the lessons of a kind say, end tokens included.

    Lessons with one view stand beside each other, equally many for each view; it is encoded once for them.
    """
    tokenizer = player.tokenizer
    said = [
        tokenizer(f"{lesson.said}{tokenizer.eos_token}", add_special_tokens=False)["input_ids"]
        for lesson in lessons
    ]
    token_ids, mask = pad_rows(said, pad=player.pad_token, device=player.device)
    views = list(dict.fromkeys(lesson.view for lesson in lessons))
    hidden = replay(player, prompts_of(player, views), token_ids, mask)
    nats = -sampled_logprobs(vocabulary_logits(player, hidden), token_ids) * mask
    replies: list[Reply] = [lesson.reply for lesson in lessons]
    by_reply: dict[Reply, torch.Tensor] = {}
    for reply in dict.fromkeys(replies):
        rows = [row for row, other in enumerate(replies) if other == reply]
        by_reply[reply] = nats[rows].sum() / mask[rows].sum()
    return by_reply
