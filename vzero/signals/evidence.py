"""The contrastive evidence gate (arXiv 2606.25319, eqs 14-24; released evidence_weighting.py).

An answer that the right crop supports more than its siblings do gets a weight above 1, one that the wrong
crop supports as well gets less. Everything here is detached: the gate scales updates, it is not trained.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Evidence:
    """What the gate saw and decided, each of shape (rollouts,), float32."""

    scores: torch.Tensor
    advantages: torch.Tensor
    weights: torch.Tensor


def evidence_weights(
    positive: torch.Tensor,
    negative: torch.Tensor,
    mask: torch.Tensor,
    groups: Sequence[Hashable] | torch.Tensor,
    *,
    gamma: float,
    alpha: float,
    w_min: float,
    w_max: float,
    eps: float,
) -> torch.Tensor:
    """Weight of each rollout, shape (rollouts,), from log-probs of shape (rollouts, tokens).

    `positive` and `negative` are the teacher's log-probs of the sampled tokens with the right and the wrong
    crop, `mask` is 1 on response tokens, `groups` names each rollout's prompt. A group of one, or one whose
    scores are equal, gets weight 1.
    """
    evidence = gate(
        positive, negative, mask, groups, gamma=gamma, alpha=alpha, w_min=w_min, w_max=w_max, eps=eps
    )
    return evidence.weights


def gate(
    positive: torch.Tensor,
    negative: torch.Tensor,
    mask: torch.Tensor,
    groups: Sequence[Hashable] | torch.Tensor,
    *,
    gamma: float,
    alpha: float,
    w_min: float,
    w_max: float,
    eps: float,
) -> Evidence:
    """As `evidence_weights`, with the scores and advantages that led there."""
    scores = evidence_scores(positive, negative, mask, gamma=gamma, eps=eps)
    advantages = group_normalise(scores, groups, eps=eps)
    return Evidence(scores, advantages, (1.0 + alpha * advantages).clamp(w_min, w_max))


def evidence_scores(
    positive: torch.Tensor, negative: torch.Tensor, mask: torch.Tensor, *, gamma: float, eps: float
) -> torch.Tensor:
    """Mean over response tokens of relu(gap) - gamma * relu(-gap), in nats. An empty response scores 0."""
    if positive.shape != negative.shape or positive.shape != mask.shape or positive.ndim != 2:
        shapes = [tuple(tensor.shape) for tensor in (positive, negative, mask)]
        raise ValueError(f"log-probs and mask must share one (rollouts, tokens) shape, got {shapes}")
    valid = mask.bool()
    # Padding may hold anything, infinities included.
    gaps = torch.where(valid, positive.detach().float() - negative.detach().float(), 0.0)
    evidence = gaps.clamp_min(0.0) - gamma * (-gaps).clamp_min(0.0)
    return evidence.sum(dim=1) / valid.sum(dim=1).float().clamp_min(eps)


def group_normalise(
    scores: torch.Tensor, groups: Sequence[Hashable] | torch.Tensor, *, eps: float
) -> torch.Tensor:
    """z-scores within groups by the population standard deviation; 0 for groups of one or of equal scores."""
    index = group_index(groups).to(scores.device)
    if index.shape != scores.shape:
        raise ValueError(f"{len(index)} group names for scores of shape {tuple(scores.shape)}")
    # Double precision: the mean of equal float32 scores must come out equal to them.
    values = scores.double()
    count = torch.zeros(int(index.max()) + 1, dtype=torch.float64, device=scores.device)
    count.index_add_(0, index, torch.ones_like(values))
    mean = torch.zeros_like(count).index_add_(0, index, values) / count
    centred = values - mean[index]
    variance = torch.zeros_like(count).index_add_(0, index, centred.square()) / count
    advantages = centred / (variance.sqrt()[index] + eps)
    equal = _all_equal(scores, index, len(count))
    return torch.where(equal[index] | (count[index] <= 1), 0.0, advantages).to(scores.dtype)


def _all_equal(scores: torch.Tensor, index: torch.Tensor, groups: int) -> torch.Tensor:
    low = torch.full((groups,), torch.inf, device=scores.device, dtype=scores.dtype)
    low = low.scatter_reduce(0, index, scores, "amin")
    high = -torch.full_like(low, torch.inf)
    high = high.scatter_reduce(0, index, scores, "amax")
    return low == high


def group_index(groups: Sequence[Hashable] | torch.Tensor) -> torch.Tensor:
    """Group names (ints, strings, uuids) as numbers 0, 1, ... in order of appearance; int64."""
    names: list[Hashable] = groups.tolist() if isinstance(groups, torch.Tensor) else list(groups)
    numbers: dict[Hashable, int] = {}
    return torch.tensor([numbers.setdefault(name, len(numbers)) for name in names], dtype=torch.int64)
