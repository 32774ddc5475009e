"""The tilted target: the teacher's distribution moved further from what it says of the wrong crop."""

from __future__ import annotations

import torch


def tilted_logprobs(
    positive_logits: torch.Tensor,
    negative_logits: torch.Tensor,
    *,
    tilt: float,
    clip: float,
    adaptive: bool = False,
) -> torch.Tensor:
    """Detached log-probs (tokens, vocabulary) of the target, from the logits of the two views, same shape.

    softmax(log p+ + tilt * clip(log p+ - log p-)), which without clipping is softmax((1 + tilt) log p+ -
    tilt log p-), as in contrastive decoding. The contrast is bounded by `clip` nats on either side: else a
    token that both views hold impossible, and one a little more so, could become the likeliest.

    With `adaptive` a token's tilt is `tilt` times the total variation between its two views.
    """
    positive = positive_logits.detach().log_softmax(dim=-1)
    negative = negative_logits.detach().log_softmax(dim=-1)
    contrast = (positive - negative).clamp(-clip, clip)
    strength = tilt * total_variation(positive, negative) if adaptive else tilt
    return (positive + strength * contrast).log_softmax(dim=-1)


def total_variation(logprobs: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Half of the summed differences of probabilities, (tokens, 1) of log-probs (tokens, vocabulary)."""
    return 0.5 * (logprobs.exp() - others.exp()).abs().sum(dim=-1, keepdim=True)
