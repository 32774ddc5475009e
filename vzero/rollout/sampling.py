"""Answers, and how their tokens are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from vzero.models.loading import LoadedModel
from vzero.rollout.responses import sampled_logprobs, vocabulary_logits


@dataclass(frozen=True)
class Rollout:
    token_ids: list[int]  # with the end token, when there is one
    text: str  # without it
    finish_reason: Literal["stop", "length"]
    # Of the sampled tokens, at a temperature that need not be the sampling's; [] if a sampler tells none.
    logprobs: list[float]


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

    def draw(self, logits: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
        """One token a row, (rows,), of logits (rows, vocabulary).

        By inverting the cumulative distribution at `uniforms` (rows,).
        """
        if self.temperature == 0.0:
            return logits.argmax(dim=-1)
        # Double precision: over a vocabulary of 250,000 a float32 sum is off by more than a rare token's
        # share.
        cumulative = self.probabilities(logits.double()).cumsum(dim=-1)
        threshold = uniforms.double()[:, None] * cumulative[:, -1:]
        return torch.searchsorted(cumulative, threshold, right=True).squeeze(1)


class NextToken:
    """What a model's answers may consist of: never of vision tokens, which a replay would take for images."""

    def __init__(self, model: LoadedModel, sampling: Sampling) -> None:
        self._model, self._sampling = model, sampling
        banned = [token for token in model.banned_tokens if token < model.vocabulary]
        self._banned = torch.tensor(banned, device=model.device, dtype=torch.int64)
        self._ends = torch.tensor(model.end_tokens, device=model.device)

    def drawn(
        self, hidden: torch.Tensor, uniforms: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Tokens (rows,) drawn by hidden states (rows, width), their log-probs under the whole vocabulary,
        and whether they end an answer."""
        with torch.autocast(hidden.device.type, enabled=False):
            return self._drawn(vocabulary_logits(self._model, hidden), uniforms)

    def _drawn(
        self, logits: torch.Tensor, uniforms: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        tokens = self._sampling.draw(logits.index_fill(1, self._banned, -torch.inf), uniforms)
        if self._sampling.logprob_temperature != 1.0:
            logits = logits / self._sampling.logprob_temperature
        return tokens, sampled_logprobs(logits, tokens), torch.isin(tokens, self._ends)


def rollout_of(model: LoadedModel, tokens: Sequence[int], logprobs: Sequence[float]) -> Rollout:
    """A drawn row up to its first end token, whatever follows it."""
    ends = model.end_tokens
    length = next((index for index, token in enumerate(tokens) if token in ends), None)
    said = list(tokens[:length])
    text = model.tokenizer.decode(said, skip_special_tokens=True)
    if length is None:
        return Rollout(said, text, "length", list(logprobs))
    return Rollout(list(tokens[: length + 1]), text, "stop", list(logprobs[: length + 1]))
