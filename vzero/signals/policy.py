"""Sampled-token forms: reverse KL seen through the log-probs of the tokens that were sampled.

With s and t the log-probs of a token under student and teacher, k1 = s - t, k2 = (s - t)^2 / 2 and
k3 = exp(t - s) - (t - s) - 1. k1 is a policy gradient's cost: propagating it directly would be meaningless,
since its gradient does not see the teacher. Its negative is the advantage of the sampled token, in a
plain or a clipped surrogate (arXiv 2606.25319, eqs 20-24; released losses.py). k2 and k3 are propagated: k2's
expected gradient is that of reverse KL as well, k3's is that of forward KL, though its expected value is
reverse KL.
"""

from __future__ import annotations

from typing import Literal

import torch

Estimator = Literal["k1", "k2", "k3"]

MAX_LOG_RATIO = 20.0
MAX_K3 = 10.0


def k1(student: torch.Tensor, teacher: torch.Tensor, *, clamp: float) -> torch.Tensor:
    """Sampled-token reverse KL estimate, detached and clamped; log-probs and result share a shape."""
    return (student.detach() - teacher.detach()).clamp(-clamp, clamp)


def k2(student: torch.Tensor, teacher: torch.Tensor, *, clamp: float) -> torch.Tensor:
    """Half the squared log-ratio, clamped; log-probs and result share a shape.

    Differentiable in the student, inside the clamp.
    """
    return (0.5 * (student - teacher.detach()).square()).clamp(max=clamp)


def k3(student: torch.Tensor, teacher: torch.Tensor, *, clamp: float) -> torch.Tensor:
    """The low-variance estimate, never negative; log-probs and result share a shape.

    Differentiable in the student, inside its bounds.

    The log-ratio is bounded to +-20 and the value to 10, as released, then to `clamp`.
    """
    log_ratio = (teacher.detach() - student).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO)
    # exp(x) - x - 1 would be negative near 0, by rounding.
    return (log_ratio.expm1() - log_ratio).clamp(max=min(MAX_K3, clamp))


def plain_surrogate(current: torch.Tensor, advantage: torch.Tensor) -> torch.Tensor:
    """Token losses (rollouts, tokens) of REINFORCE: -advantage * log-prob. `current` carries the gradient."""
    return -advantage.detach() * current


def clipped_surrogate(
    current: torch.Tensor,
    old: torch.Tensor,
    advantage: torch.Tensor,
    *,
    ratio_clip: float,
    dual_clip: float,
) -> torch.Tensor:
    """Token losses (rollouts, tokens) of the dual-clip surrogate (PPO with a bound for negative advantages).

    `current` carries the gradient, `old` is the policy that sampled. At `current` = `old` the gradient is
    -advantage * grad log-prob.
    """
    ratio = (current - old.detach()).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp()
    advantage = advantage.detach()
    clipped = ratio.clamp(1.0 - ratio_clip, 1.0 + ratio_clip)
    loss = torch.maximum(-advantage * ratio, -advantage * clipped)
    bounded = torch.minimum(loss, -advantage * dual_clip)
    return torch.where(advantage < 0, bounded, loss)
