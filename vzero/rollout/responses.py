"""The vocabulary read-out at the positions of answers, a bounded number of tokens at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.utils.checkpoint import checkpoint

from vzero.models.loading import LoadedModel

ReadOut = tuple[LoadedModel, torch.Tensor]
"""A model that reads its vocabulary out of hidden states (rows, tokens, width)."""
CHUNK_LOGITS = 1 << 26  # logits that exist at once: 256 MiB of float32


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


def response_logprobs(
    model: LoadedModel,
    hidden: torch.Tensor,
    token_ids: torch.Tensor,
    mask: torch.Tensor,
    temperature: float = 1.0,
) -> torch.Tensor:
    """Log-probs (rows, tokens) of response tokens, 0 on padding, from hidden states (rows, tokens, width)."""

    def chunk_logprobs(part: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        return sampled_logprobs(vocabulary_logits(model, part, temperature), ids)

    return by_chunks(chunk_logprobs, [(model, hidden)], mask, hidden, token_ids)


def by_chunks(
    function: Callable[..., torch.Tensor],
    read_out: Sequence[ReadOut],
    mask: torch.Tensor,
    *tensors: torch.Tensor,
) -> torch.Tensor:
    """A function of tokens (n, ...) -> (n,) over the response tokens of (rows, tokens, ...); 0 on padding.

    What it computes on the way, logits by every `read_out`, is dropped, and computed again in the backward
    pass.
    """
    valid = mask.bool()
    places = valid.flatten().nonzero().squeeze(1)
    size = max(1, CHUNK_LOGITS // read_out[0][0].vocabulary)
    chunks = list(zip(*(tensor.flatten(0, 1)[places].split(size) for tensor in tensors), strict=True))
    tokens = sum(len(first) for first, *_ in chunks)
    for model, hidden in read_out:
        model.work.count_read_out(tokens, differentiated=hidden.requires_grad)
    values = torch.cat([checkpoint(function, *chunk, use_reentrant=False) for chunk in chunks])
    return values.new_zeros(mask.numel()).index_put((places,), values).view(mask.shape)
