"""Grouped sampling: a prompt is encoded once for its group, and all answers are decoded in slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xxhash

from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout import plain
from vzero.rollout.decoding import Decoding
from vzero.rollout.prefix import Prefix, computing, prefill
from vzero.rollout.sampling import Rollout, Sampling, rollout_of
from vzero.rollout.waiting import Waiting


@dataclass(frozen=True)
class Bounds:
    """Of memory; None: all at once."""

    micro_tokens: int | None = None
    """Tokens of the prompts that are encoded together, with their padding."""
    decode_tokens: int | None = None
    """Tokens of the answers that are decoded together, each with its prompt. A group may pass it."""


UNBOUNDED = Bounds()


@torch.no_grad()
def generate(
    model: LoadedModel,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    *,
    group: int,
    seed: int | Sequence[int],
    bounds: Bounds = UNBOUNDED,
) -> list[list[Rollout]]:
    """`group` answers to every prompt, with log-probs of the whole vocabulary whatever they are drawn from.

    An answer's randomness depends on the seed (one for all prompts, or one each), its prompt and its place in
    the group alone, so it is the same in every batch and on every process.
    """
    seeds = [seed] * len(prompts) if isinstance(seed, int) else seed
    tokens = sampling.max_new_tokens
    uniforms = [uniforms_of(each, group, tokens, own) for each, own in zip(prompts, seeds, strict=True)]
    columns = max(len(prompt.token_ids) for prompt in prompts) + tokens
    slots = len(prompts) * group
    if bounds.decode_tokens is not None:
        slots = min(slots, max(group, bounds.decode_tokens // columns))
    # One context for all of it: what it casts of the weights, it casts once.
    with computing(model):
        decoding = Decoding(model, sampling, np.concatenate(uniforms), slots=slots, columns=columns)
        # Where nothing is shared, each answer has its prompt encoded.
        each = 1 if model.shares_prefixes else group
        waiting = Waiting(prompts, bounds.micro_tokens and bounds.micro_tokens // each)
        while waiting or decoding.under_way:
            while waiting and decoding.wants_more:
                part = waiting.take(decoding.free // group, all_are_free=not decoding.under_way)
                if not part:
                    break
                prefix, rows = prefilled(model, [prompts[number] for number in part], group)
                numbers = [number * group + place for number in part for place in range(group)]
                decoding.put(prefix, rows, numbers)
            decoding.go_on()
    rollouts = [rollout_of(model, *row) for row in decoding.answers()]
    return [rollouts[start : start + group] for start in range(0, len(rollouts), group)]


def prefilled(model: LoadedModel, prompts: Sequence[Prompt], group: int) -> tuple[Prefix, list[int]]:
    """Prompts ready to be answered, and which row each of their answers continues."""
    if model.shares_prefixes:
        return prefill(model, prompts), [row for row in range(len(prompts)) for _ in range(group)]
    return plain.prefill(model, prompts, group), list(range(len(prompts) * group))


def uniforms_of(prompt: Prompt, group: int, tokens: int, seed: int) -> np.ndarray:
    """Numbers in [0, 1) of shape (group, tokens), one for each token that may be sampled."""
    return np.random.default_rng([seed, prompt_digest(prompt)]).random((group, tokens))


def prompt_digest(prompt: Prompt) -> int:
    """What tells prompts' randomness apart, of 64 bits."""
    digest = xxhash.xxh64(prompt.text.encode())
    for image in prompt.images:
        digest.update(image)
    return digest.intdigest()
