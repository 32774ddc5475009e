"""Grouped sampling: a prompt is encoded once and forked into its group; rows that ended are left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import xxhash

from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout import plain
from vzero.rollout.prefix import Prefix, extend, fork, prefill, select, text_piece
from vzero.rollout.responses import sampled_logprobs, vocabulary_logits


@dataclass(frozen=True)
class Rollout:
    token_ids: list[int]  # with the end token, when there is one
    text: str  # without it
    finish_reason: Literal["stop", "length"]
    logprobs: list[float]  # of the sampled tokens, at a temperature that need not be the sampling's


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn. Temperature 0 takes the likeliest token; else tokens are sampled from the whole
    vocabulary, or from its `top_k` likeliest, or from the likeliest that together have probability `top_p`.
    """

    temperature: float
    max_new_tokens: int
    top_p: float = 1.0
    top_k: int = 0
    logprob_temperature: float = 1.0
    """At which the log-probs of an answer's tokens are taken, whatever they are drawn at."""

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """What tokens are drawn with, (rows, vocabulary) as the logits are, up to a factor a row.

        First the `top_k` likeliest, then of them the fewest that together have a share of `top_p`, both at
        the temperature; equals of the last one stay.
        """
        if 0 < self.top_k < logits.shape[1]:
            least = logits.topk(self.top_k, dim=-1).values[:, -1:]
            logits = logits.masked_fill(logits < least, -torch.inf)
        shares = torch.softmax(logits / self.temperature, dim=-1)
        if self.top_p == 1.0:
            return shares
        ordered = shares.sort(dim=-1, descending=True).values
        # What stands before a token, without it: the likeliest is always kept.
        enough = ordered.cumsum(dim=-1) - ordered >= self.top_p
        least = ordered.masked_fill(enough, torch.inf).amin(dim=-1, keepdim=True)
        return shares.masked_fill(shares < least, 0.0)


@torch.no_grad()
def generate(
    model: LoadedModel,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    *,
    group: int,
    seed: int | Sequence[int],
) -> list[list[Rollout]]:
    """`group` answers to every prompt, with log-probs of the whole vocabulary whatever they are drawn from.

    An answer's randomness depends on the seed (one for all prompts, or one each), its prompt and its place in
    the group alone, so it is the same in every batch and on every process. Vision tokens are never sampled: a
    replay would take them for images.
    """
    seeds = [seed] * len(prompts) if isinstance(seed, int) else seed
    if model.shares_prefixes:
        prefix = fork(prefill(model, prompts), group)
    else:
        prefix = plain.prefill(model, prompts, group)
    uniforms = np.concatenate(
        [
            _uniforms(prompt, group, sampling.max_new_tokens, own)
            for prompt, own in zip(prompts, seeds, strict=True)
        ]
    )
    drawn = torch.from_numpy(uniforms).to(model.device)
    tokens, logprobs = _decode(model, prefix, sampling, drawn)
    ends = model.end_tokens
    rollouts = [
        _rollout(model, row, scores, ends)
        for row, scores in zip(tokens.tolist(), logprobs.tolist(), strict=True)
    ]
    return [rollouts[start : start + group] for start in range(0, len(rollouts), group)]


def _uniforms(prompt: Prompt, group: int, tokens: int, seed: int) -> np.ndarray:
    """Numbers in [0, 1) of shape (group, tokens), one for each token that may be sampled."""
    digest = xxhash.xxh64(prompt.text.encode())
    for image in prompt.images:
        digest.update(image)
    return np.random.default_rng([seed, digest.intdigest()]).random((group, tokens))


def _decode(
    model: LoadedModel, prefix: Prefix, sampling: Sampling, uniforms: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sampled ids and their log-probs, both (rows, tokens), by `uniforms` (rows, tokens).

    What stands behind an answer's end is padding.
    """
    ends = torch.tensor(model.end_tokens, device=model.device)
    tokens = torch.full(uniforms.shape, model.pad_token, device=model.device)
    logprobs = torch.zeros(uniforms.shape, device=model.device)
    rows = torch.arange(len(uniforms), device=model.device)
    ended = torch.zeros_like(rows, dtype=torch.bool)
    for place in range(uniforms.shape[1]):
        if place:
            step = tokens[rows, place - 1][:, None]
            _, prefix = extend(model, prefix, text_piece(step, torch.ones_like(step)))
        token, logits = drawn(model, prefix.last_hidden, sampling, uniforms[rows, place])
        tokens[rows, place] = token.masked_fill(ended, model.pad_token)
        if sampling.logprob_temperature != 1.0:
            logits = logits / sampling.logprob_temperature
        logprobs[rows, place] = sampled_logprobs(logits, tokens[rows, place])
        ended = ended | torch.isin(token, ends)
        left = (~ended).nonzero().squeeze(1)
        if not len(left):
            break
        # To leave rows behind copies those that stay, so it waits until it halves them.
        if model.shares_prefixes and 2 * len(left) <= len(rows):
            rows, ended, prefix = rows[left], ended[left], select(prefix, left)
    return tokens, logprobs


def drawn(
    model: LoadedModel, hidden: torch.Tensor, sampling: Sampling, uniforms: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The next tokens (rows,) by hidden states (rows, width), and their logits (rows, vocabulary)."""
    logits = vocabulary_logits(model, hidden)
    model.work.count_read_out(len(hidden))
    return _sample(_allowed(logits, model.banned_tokens), sampling, uniforms), logits


def _allowed(logits: torch.Tensor, banned: list[int]) -> torch.Tensor:
    """Logits (rows, vocabulary) without the tokens that are never sampled."""
    allowed = logits.clone()
    allowed[:, [token for token in banned if token < allowed.shape[1]]] = -torch.inf
    return allowed


def _sample(logits: torch.Tensor, sampling: Sampling, uniforms: torch.Tensor) -> torch.Tensor:
    """One token a row, (rows,), of logits (rows, vocabulary).

    By inverting the cumulative distribution at `uniforms` (rows,).
    """
    if sampling.temperature == 0.0:
        return logits.argmax(dim=-1)
    # Double precision: over a vocabulary of 250,000 a float32 sum is off by more than a rare token's share.
    cumulative = sampling.probabilities(logits.double()).cumsum(dim=-1)
    threshold = uniforms.double()[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, threshold, right=True).squeeze(1)


def _rollout(model: LoadedModel, tokens: list[int], logprobs: list[float], ends: list[int]) -> Rollout:
    """A decoded row up to its first end token; what follows is padding, which may be an end token too."""
    length = next((index for index, token in enumerate(tokens) if token in ends), None)
    said = tokens[:length]
    text = model.tokenizer.decode(said, skip_special_tokens=True)
    if length is None:
        return Rollout(said, text, "length", logprobs)
    return Rollout(tokens[: length + 1], text, "stop", logprobs[: length + 1])
