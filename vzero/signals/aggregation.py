"""From token losses to one number, in parts that add up whatever the batch is split into."""

from __future__ import annotations

from typing import Literal

import torch

Aggregation = Literal["sequence_mean", "token_mean"]


def denominator(aggregation: Aggregation, mask: torch.Tensor) -> torch.Tensor:
    """What a whole mini-batch with this response mask (rollouts, tokens) is divided by."""
    return mask.sum() if aggregation == "token_mean" else torch.tensor(mask.shape[0], device=mask.device)


def aggregate(
    aggregation: Aggregation, losses: torch.Tensor, mask: torch.Tensor, total: torch.Tensor
) -> torch.Tensor:
    """This part's share of the mini-batch loss, from token losses (rollouts, tokens).

    `sequence_mean` averages each answer, then the answers (the paper); `token_mean` averages all tokens, so
    long answers count more (the released code). `total` is the whole mini-batch's `denominator`.
    """
    valid = mask.bool()
    losses = torch.where(valid, losses, 0.0)
    if aggregation == "token_mean":
        return losses.sum() / total
    return (losses.sum(dim=1) / valid.sum(dim=1).clamp_min(1)).sum() / total
