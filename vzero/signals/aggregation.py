"""From token losses to one number, in parts that add up whatever the batch is split into."""

from __future__ import annotations

from typing import Literal

import torch

Aggregation = Literal["token_mean", "sequence_mean", "sequence_sum", "sequence_sum_norm"]


def denominator(aggregation: Aggregation, mask: torch.Tensor, *, length: int | None = None) -> torch.Tensor:
    """What a whole mini-batch with this response mask (rollouts, tokens) is divided by.

    A rollout without a token in the mask is not there. Denominators of several processes are summed.
    `length` is the constant of `sequence_sum_norm`, in tokens: the longest answer a step may sample.
    Raises ValueError when that one lacks it.
    """
    if aggregation == "token_mean":
        return mask.sum()
    rollouts = mask.any(dim=1).sum()
    if aggregation != "sequence_sum_norm":
        return rollouts
    if length is None:
        raise ValueError("sequence_sum_norm divides by a constant length, in tokens: give `length`")
    return rollouts * length


def aggregate(
    aggregation: Aggregation, losses: torch.Tensor, mask: torch.Tensor, total: torch.Tensor
) -> torch.Tensor:
    """This part's share of the mini-batch loss, from token losses (rollouts, tokens).

    `total` is the whole mini-batch's `denominator`.

    - `token_mean`: all tokens count the same, so long answers count more (the released code).
    - `sequence_mean`: the mean of each answer, then the mean of the answers (the paper).
    - `sequence_sum`: the sum of each answer, then the mean of the answers.
    - `sequence_sum_norm`: as `sequence_sum`, divided by a constant length: on the scale of a mean, without
      long answers' tokens counting less (Dr. GRPO, arXiv 2503.20783).
    """
    valid = mask.bool()
    losses = torch.where(valid, losses, 0.0)
    if aggregation == "sequence_mean":
        return (losses.sum(dim=1) / valid.sum(dim=1).clamp_min(1)).sum() / total
    return losses.sum() / total
