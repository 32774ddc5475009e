"""The gated distillation loss of some rollouts, computed a bounded number of tokens at a time.

The vocabulary is never expanded for a whole batch: hidden states are kept, logits are made for a chunk of
tokens, and made again in the backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.checkpoint import checkpoint

from vzero.models.loading import LoadedModel
from vzero.rollout.responses import sampled_logprobs, vocabulary_logits
from vzero.signals.aggregation import aggregate
from vzero.signals.divergence import token_divergence
from vzero.signals.policy import clipped_surrogate, k1
from vzero.train.recipes import Objective

CHUNK = 2048  # tokens whose logits exist at once


@dataclass(frozen=True)
class Scored:
    """Rollouts as the teacher saw them; rows are rollouts, siblings beside each other."""

    token_ids: torch.Tensor  # (rows, tokens)
    mask: torch.Tensor  # (rows, tokens)
    teacher_hidden: torch.Tensor  # (rows, tokens, teacher width), positive view
    teacher_logprobs: torch.Tensor  # (rows, tokens), positive view
    old_logprobs: torch.Tensor | None  # (rows, tokens) under the student that sampled; None: the current one
    weights: torch.Tensor  # (rows,)

    def rows(self, start: int, stop: int) -> Scored:
        old = self.old_logprobs
        return Scored(
            self.token_ids[start:stop],
            self.mask[start:stop],
            self.teacher_hidden[start:stop],
            self.teacher_logprobs[start:stop],
            old[start:stop] if old is not None else None,
            self.weights[start:stop],
        )


def gated_loss(
    student: LoadedModel,
    teacher: LoadedModel,
    student_hidden: torch.Tensor,
    scored: Scored,
    objective: Objective,
    total: torch.Tensor,
) -> torch.Tensor:
    """This part's share of the mini-batch loss; `total` is the whole mini-batch's denominator."""
    if objective.divergence == "k1":
        current = response_logprobs(student, student_hidden, scored.token_ids, scored.mask)
        old = scored.old_logprobs if scored.old_logprobs is not None else current.detach()
        gap = k1(current, scored.teacher_logprobs, clamp=objective.clamp) * scored.weights[:, None]
        losses = clipped_surrogate(
            current, old, -gap, ratio_clip=objective.ratio_clip, dual_clip=objective.dual_clip
        )
    else:
        losses = _divergences(student, teacher, student_hidden, scored, objective) * scored.weights[:, None]
    return aggregate(objective.aggregation, losses, scored.mask, total)


def response_logprobs(
    model: LoadedModel, hidden: torch.Tensor, token_ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Log-probs (rows, tokens) of response tokens, 0 on padding, from hidden states (rows, tokens, width)."""
    valid = mask.bool()

    def chunk_logprobs(part: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        return sampled_logprobs(vocabulary_logits(model, part), ids)

    parts = [
        _recomputed(chunk_logprobs, part, ids)
        for part, ids in zip(hidden[valid].split(CHUNK), token_ids[valid].split(CHUNK), strict=True)
    ]
    return hidden.new_zeros(mask.shape, dtype=torch.float32).masked_scatter(valid, torch.cat(parts))


def _divergences(
    student: LoadedModel,
    teacher: LoadedModel,
    student_hidden: torch.Tensor,
    scored: Scored,
    objective: Objective,
) -> torch.Tensor:
    valid = scored.mask.bool()

    def chunk_divergence(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
        if objective.divergence == "k1":
            raise ValueError("k1 is a policy gradient, not a divergence of distributions")
        return token_divergence(
            objective.divergence,
            vocabulary_logits(student, ours),
            vocabulary_logits(teacher, theirs),
            top_k=objective.top_k,
            jsd_beta=objective.jsd_beta,
        )

    parts = [
        _recomputed(chunk_divergence, ours, theirs)
        for ours, theirs in zip(
            student_hidden[valid].split(CHUNK), scored.teacher_hidden[valid].split(CHUNK), strict=True
        )
    ]
    losses = student_hidden.new_zeros(scored.mask.shape, dtype=torch.float32)
    return losses.masked_scatter(valid, torch.cat(parts))


def _recomputed(function, *tensors: torch.Tensor) -> torch.Tensor:
    return checkpoint(function, *tensors, use_reentrant=False)
