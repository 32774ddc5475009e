"""The vocabulary read-out at the positions of answers."""

from __future__ import annotations

import torch

from vzero.models.loading import LoadedModel


def vocabulary_logits(model: LoadedModel, hidden: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """Float32 logits (..., vocabulary) of hidden states (..., width), divided by the temperature.

    Sizes of one family pad their embedding tables differently, so only the tokenizer's entries are kept.
    """
    logits = model.network.lm_head(hidden.to(model.network.lm_head.weight.dtype))
    logits = logits[..., : model.vocabulary].float()
    return logits if temperature == 1.0 else logits / temperature


def sampled_logprobs(logits: torch.Tensor, token_ids: torch.Tensor) -> torch.Tensor:
    """Log-probs of tokens (...) under logits (..., vocabulary)."""
    return logits.gather(-1, token_ids[..., None]).squeeze(-1) - logits.logsumexp(dim=-1)
