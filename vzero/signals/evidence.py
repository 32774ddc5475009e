"""The contrastive evidence gate (arXiv 2606.25319, eqs 14-24; released evidence_weighting.py).

An answer that the right crop supports more than its siblings do gets a weight above 1, one that the wrong
crop supports as well gets less. Everything here is detached: the gate scales updates, it is not trained.
The published gate is that of gamma, alpha, w_min, w_max and eps; what the other constants add is off by
default.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch

from vzero.signals.groups import group_normalise, scaled_to_mean_one


@dataclass(frozen=True)
class Evidence:
    """What the gate saw and decided, each of shape (rollouts,), float32."""

    scores: torch.Tensor
    advantages: torch.Tensor
    weights: torch.Tensor


@dataclass(frozen=True)
class GateConstants:
    """How much evidence is asked for and how far it moves a weight. `Evidence` is what they make."""

    gamma: float = 1.0
    alpha: float = 0.5
    w_min: float = 0.0
    w_max: float = 2.0
    eps: float = 1e-6
    shrinkage: float = 0.0
    margin: float | None = None
    renormalise: bool = False
    top_share: float = 1.0
    skip_first: bool = False


def gate(
    positive: torch.Tensor,
    negative: torch.Tensor,
    mask: torch.Tensor,
    groups: Sequence[Hashable] | torch.Tensor,
    constants: GateConstants,
) -> Evidence:
    """Scores, advantages and weights of rollouts from log-probs of shape (rollouts, tokens).

    `positive` and `negative` are the teacher's log-probs of the sampled tokens with the right and the wrong
    crop, `mask` is 1 on response tokens, `groups` names each rollout's prompt. A group of one, or one whose
    scores are equal, gets weight 1.

    weight = clip(1 + alpha * advantage, w_min, w_max), then, where `renormalise` asks for it, divided by the
    group's mean (and may so pass w_max), then held to at most 1 where the score is not above the `margin`.
    """
    return weighed(evidence_scores(positive, negative, mask, constants), groups, constants)


def weighed(
    scores: torch.Tensor, groups: Sequence[Hashable] | torch.Tensor, constants: GateConstants
) -> Evidence:
    """What the gate makes of scores (rollouts,), wherever they come from."""
    advantages = group_normalise(scores, groups, eps=constants.eps, shrinkage=constants.shrinkage)
    weights = (1.0 + constants.alpha * advantages).clamp(constants.w_min, constants.w_max)
    if constants.renormalise:
        weights = scaled_to_mean_one(weights, groups)
    if constants.margin is not None:
        # Being the best of a group that has no evidence is no reason to learn more from it.
        weights = torch.where(scores > constants.margin, weights, weights.clamp_max(1.0))
    return Evidence(scores, advantages, weights)


def evidence_scores(
    positive: torch.Tensor, negative: torch.Tensor, mask: torch.Tensor, constants: GateConstants
) -> torch.Tensor:
    """Mean over response tokens of relu(gap) - gamma * relu(-gap), in nats, (rollouts,).

    Log-probs and mask are (rollouts, tokens). An empty response scores 0.

    `top_share` keeps that share of an answer's tokens, those with the largest absolute gaps, rounded up to
    whole tokens; `skip_first` leaves its first token out beforehand.
    """
    if positive.shape != negative.shape or positive.shape != mask.shape or positive.ndim != 2:
        shapes = [tuple(tensor.shape) for tensor in (positive, negative, mask)]
        raise ValueError(f"log-probs and mask must share one (rollouts, tokens) shape, got {shapes}")
    counted = mask.bool()
    if constants.skip_first:
        counted = counted & (counted.cumsum(dim=1) > 1)
    # Padding may hold anything, infinities included.
    gaps = torch.where(counted, positive.detach().float() - negative.detach().float(), 0.0)
    if constants.top_share < 1.0:
        kept = counted.sum(dim=1) * constants.top_share
        counted = counted & _largest(gaps.abs().masked_fill(~counted, -1.0), kept)
    evidence = torch.where(counted, gaps.clamp_min(0.0) - constants.gamma * (-gaps).clamp_min(0.0), 0.0)
    return evidence.sum(dim=1) / counted.sum(dim=1).float().clamp_min(constants.eps)


def _largest(values: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """True at the largest entries of each row of `values` (rows, tokens); ties go to the first.

    Of each row `counts` (rows,) of them, rounded up.
    """
    rank = values.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    # A share such as 0.3 of 10 tokens must not become 4 by rounding.
    return rank < (counts - 1e-4).ceil()[:, None]
