"""The sampled-token form: k1 = log-prob under the student minus under the teacher, as a policy gradient.

Propagating k1 directly would be meaningless (its gradient does not see the teacher), so its negative is the
advantage of the sampled token in a clipped surrogate (arXiv 2606.25319, eqs 20-24; released losses.py).
"""

from __future__ import annotations

import torch

MAX_LOG_RATIO = 20.0


def k1(student: torch.Tensor, teacher: torch.Tensor, *, clamp: float) -> torch.Tensor:
    """Sampled-token reverse KL estimate, detached and clamped; log-probs and result share a shape."""
    return (student.detach() - teacher.detach()).clamp(-clamp, clamp)


def clipped_surrogate(
    current: torch.Tensor,
    old: torch.Tensor,
    advantage: torch.Tensor,
    *,
    ratio_clip: float,
    dual_clip: float,
) -> torch.Tensor:
    """Token losses of the dual-clip surrogate (PPO with a bound for negative advantages).

    `current` carries the gradient, `old` is the policy that sampled. At `current` = `old` the gradient is
    -advantage * grad log-prob.
    """
    ratio = (current - old.detach()).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp()
    advantage = advantage.detach()
    clipped = ratio.clamp(1.0 - ratio_clip, 1.0 + ratio_clip)
    loss = torch.maximum(-advantage * ratio, -advantage * clipped)
    bounded = torch.minimum(loss, -advantage * dual_clip)
    return torch.where(advantage < 0, bounded, loss)
