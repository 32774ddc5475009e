"""Ragged answers as padded tensors, and the vocabulary read-out at their positions."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from vzero.models.loading import LoadedModel


def pad_responses(
    responses: Sequence[Sequence[int]], *, pad: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded token ids and mask, both (rows, longest), int64. Every response has at least one token."""
    longest = max(len(response) for response in responses)
    token_ids = torch.full((len(responses), longest), pad, dtype=torch.int64)
    mask = torch.zeros_like(token_ids)
    for row, response in enumerate(responses):
        token_ids[row, : len(response)] = torch.tensor(response)
        mask[row, : len(response)] = 1
    return token_ids.to(device), mask.to(device)


def vocabulary_logits(model: LoadedModel, hidden: torch.Tensor) -> torch.Tensor:
    """Float32 logits (..., vocabulary) of hidden states (..., width).

    Sizes of one family pad their embedding tables differently, so only the tokenizer's entries are kept.
    """
    logits = model.network.lm_head(hidden.to(model.network.lm_head.weight.dtype))
    return logits[..., : len(model.tokenizer)].float()


def sampled_logprobs(logits: torch.Tensor, token_ids: torch.Tensor) -> torch.Tensor:
    """Log-probs of tokens (...) under logits (..., vocabulary), at temperature 1."""
    return logits.gather(-1, token_ids[..., None]).squeeze(-1) - logits.logsumexp(dim=-1)
