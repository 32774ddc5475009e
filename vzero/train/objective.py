"""The loss of some rollouts under a recipe's objective, computed a bounded number of tokens at a time.

The vocabulary is never expanded for a whole batch: hidden states are kept, logits are made for a chunk of
tokens, and made again in the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch.utils.checkpoint import checkpoint

from vzero.models.loading import LoadedModel
from vzero.rollout.responses import sampled_logprobs, vocabulary_logits
from vzero.signals.aggregation import aggregate
from vzero.signals.divergence import Divergence, token_divergence
from vzero.signals.policy import clipped_surrogate, k1, k2, k3, plain_surrogate
from vzero.signals.tilt import tilted_logprobs
from vzero.train.recipes import Objective

Present = TypeVar("Present")
CHUNK_LOGITS = 1 << 26  # logits that exist at once: 256 MiB of float32


@dataclass(frozen=True)
class Scored:
    """Rollouts with what they are to be learnt from; rows are rollouts, siblings beside each other.

    `None`: the recipe's objective has no use for it.
    """

    token_ids: torch.Tensor  # (rows, tokens)
    mask: torch.Tensor  # (rows, tokens)
    weights: torch.Tensor  # (rows,), of the gate
    old_logprobs: torch.Tensor | None = (
        None  # (rows, tokens) under the student that sampled; None: the current
    )
    teacher_logprobs: torch.Tensor | None = None  # (rows, tokens), positive view
    teacher_hidden: torch.Tensor | None = None  # (rows, tokens, teacher width), positive view
    negative_hidden: torch.Tensor | None = None  # as teacher_hidden, negative view; for a tilted target
    advantages: torch.Tensor | None = None  # (rows,), of rewards among siblings

    def select(self, rows: torch.Tensor) -> Scored:
        """The rows of these numbers (chosen,), cut to the longest answer among them."""
        longest = int(self.mask[rows].sum(dim=1).max())
        kept: dict[str, Any] = {}
        for name, tensor in vars(self).items():
            if tensor is not None:
                kept[name] = tensor[rows] if tensor.ndim == 1 else tensor[rows, :longest]
        return Scored(**kept)


def rollout_loss(
    student: LoadedModel,
    teacher: LoadedModel | None,
    student_hidden: torch.Tensor,
    scored: Scored,
    objective: Objective,
    total: torch.Tensor,
) -> torch.Tensor:
    """This part's share of the mini-batch loss, (); `total`, (), is the whole mini-batch's denominator.

    `student_hidden` (rows, tokens, student width) carries the gradient. Log-probs are taken at the
    objective's `logprob_temperature`, as those that `scored` holds must be. Raises ValueError when `scored`
    lacks something that the objective needs.
    """
    kind = objective.divergence
    if kind == "forward_kl" or kind == "reverse_kl" or kind == "jsd":
        losses = _divergences(kind, student, _present(teacher), student_hidden, scored, objective)
        losses = losses * scored.weights[:, None]
    elif kind == "reward" or kind == "likelihood":
        losses = _labelled_losses(student, student_hidden, scored, objective)
    else:
        losses = _sampled_token_losses(student, teacher, student_hidden, scored, objective)
    return aggregate(objective.aggregation, losses, scored.mask, total)


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

    return _by_chunks(chunk_logprobs, len(model.tokenizer), mask, hidden, token_ids)


def _current_logprobs(
    student: LoadedModel, student_hidden: torch.Tensor, scored: Scored, objective: Objective
) -> torch.Tensor:
    return response_logprobs(
        student, student_hidden, scored.token_ids, scored.mask, objective.logprob_temperature
    )


def _labelled_losses(
    student: LoadedModel, student_hidden: torch.Tensor, scored: Scored, objective: Objective
) -> torch.Tensor:
    """Token losses (rows, tokens) of answers that are to be imitated, or were rewarded."""
    current = _current_logprobs(student, student_hidden, scored, objective)
    if objective.divergence == "likelihood":
        return -current
    return _policy_gradient(current, _present(scored.advantages)[:, None], scored, objective)


def _policy_gradient(
    current: torch.Tensor, advantage: torch.Tensor, scored: Scored, objective: Objective
) -> torch.Tensor:
    """Token losses (rows, tokens) whose gradient raises log-probs by their advantage.

    `current` is (rows, tokens), `advantage` that or (rows, 1).
    """
    if objective.surrogate == "plain":
        return plain_surrogate(current, advantage)
    old = scored.old_logprobs if scored.old_logprobs is not None else current.detach()
    return clipped_surrogate(
        current, old, advantage, ratio_clip=objective.ratio_clip, dual_clip=objective.dual_clip
    )


def _sampled_token_losses(
    student: LoadedModel,
    teacher: LoadedModel | None,
    student_hidden: torch.Tensor,
    scored: Scored,
    objective: Objective,
) -> torch.Tensor:
    """Weighted token losses (rows, tokens) that see only the sampled tokens. Clamp first, weight after."""
    current = _current_logprobs(student, student_hidden, scored, objective)
    target = _target_logprobs(teacher, scored, objective)
    weights = scored.weights[:, None]
    if objective.divergence == "k2":
        return weights * k2(current, target, clamp=objective.clamp)
    if objective.divergence == "k3":
        return weights * k3(current, target, clamp=objective.clamp)
    advantage = -weights * k1(current, target, clamp=objective.clamp)
    return _policy_gradient(current, advantage, scored, objective)


def _divergences(
    kind: Divergence,
    student: LoadedModel,
    teacher: LoadedModel,
    student_hidden: torch.Tensor,
    scored: Scored,
    objective: Objective,
) -> torch.Tensor:
    """Token divergences (rows, tokens) of the student from the target, before weighting."""

    def chunk_divergence(ours: torch.Tensor, *views: torch.Tensor) -> torch.Tensor:
        return token_divergence(
            kind,
            vocabulary_logits(student, ours, objective.logprob_temperature),
            _target_logits(teacher, objective, *views),
            top_k=objective.top_k,
            tail=objective.tail,
            jsd_beta=objective.jsd_beta,
        )

    views = _teacher_views(scored, objective)
    return _by_chunks(chunk_divergence, len(student.tokenizer), scored.mask, student_hidden, *views)


@torch.no_grad()
def _target_logprobs(teacher: LoadedModel | None, scored: Scored, objective: Objective) -> torch.Tensor:
    """The target's log-probs (rows, tokens) of the sampled tokens."""
    if not objective.tilt:
        return _present(scored.teacher_logprobs)
    network = _present(teacher)

    def chunk_logprobs(ids: torch.Tensor, *views: torch.Tensor) -> torch.Tensor:
        return sampled_logprobs(_target_logits(network, objective, *views), ids)

    views = _teacher_views(scored, objective)
    return _by_chunks(chunk_logprobs, len(network.tokenizer), scored.mask, scored.token_ids, *views)


def _teacher_views(scored: Scored, objective: Objective) -> tuple[torch.Tensor, ...]:
    """Hidden states (rows, tokens, width) of the target's views: positive and, for a tilt, negative."""
    if not objective.tilt:
        return (_present(scored.teacher_hidden),)
    return _present(scored.teacher_hidden), _present(scored.negative_hidden)


def _present(value: Present | None) -> Present:
    if value is None:
        raise ValueError("the rollouts were scored for another objective: what this one needs is missing")
    return value


def _target_logits(
    teacher: LoadedModel, objective: Objective, positive: torch.Tensor, negative: torch.Tensor | None = None
) -> torch.Tensor:
    """Logits (tokens, vocabulary) of the distribution to learn, from hidden states (tokens, width)."""
    logits = vocabulary_logits(teacher, positive, objective.logprob_temperature)
    if negative is None:
        return logits
    contrasted = vocabulary_logits(teacher, negative, objective.logprob_temperature)
    return tilted_logprobs(logits, contrasted, tilt=objective.tilt, clip=objective.tilt_clip)


def _by_chunks(
    function: Callable[..., torch.Tensor], vocabulary: int, mask: torch.Tensor, *tensors: torch.Tensor
) -> torch.Tensor:
    """A function of tokens (n, ...) -> (n,) over the response tokens of (rows, tokens, ...); 0 on padding.

    What it computes on the way is dropped, and computed again in the backward pass.
    """
    valid = mask.bool()
    size = max(1, CHUNK_LOGITS // vocabulary)
    chunks = zip(*(tensor[valid].split(size) for tensor in tensors), strict=True)
    values = torch.cat([checkpoint(function, *chunk, use_reentrant=False) for chunk in chunks])
    return values.new_zeros(mask.shape).masked_scatter(valid, values)
