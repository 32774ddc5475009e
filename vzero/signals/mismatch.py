"""What a sampler and a trainer say of the same tokens, and how what is learnt of them is corrected.

Answers that another program sampled are drawn from its policy mu, not from ours pi. What is learnt of a token
is multiplied by min(pi / mu, C), a truncated importance ratio (Ionides, 2008, here a token). It is biased:
E_mu[min(pi / mu, C) f] = E_pi[min(1, C mu / pi) f], so tokens that mu draws more than C times too rarely
count too little, and that a token's beginning was drawn from mu is not corrected.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

ROUNDING = 1e-4
"""Nats. Passes in fp32 differ by less in other batches, and what is ours is not corrected for it either."""


@dataclass(frozen=True)
class Mismatch:
    """Between two log-probs of the same tokens; adds up over tokens."""

    tokens: int = 0
    apart: float = 0.0
    """Sum of the absolute differences, nats."""
    largest: float = 0.0
    ratio: float = 0.0
    """Sum of the truncated ratios."""
    cut: int = 0
    """How many ratios reached the bound."""

    def __add__(self, other: Mismatch) -> Mismatch:
        return Mismatch(
            tokens=self.tokens + other.tokens,
            apart=self.apart + other.apart,
            largest=max(self.largest, other.largest),
            ratio=self.ratio + other.ratio,
            cut=self.cut + other.cut,
        )

    @property
    def mean(self) -> float:
        """Nats a token."""
        return self.apart / max(self.tokens, 1)


def truncated_ratio(
    ours: torch.Tensor, theirs: torch.Tensor, mask: torch.Tensor, *, most: float
) -> tuple[torch.Tensor, Mismatch]:
    """min(pi / mu, most) of log-probs (rows, tokens), and how they differ where the mask is 1.

    The ratio is 1 where they agree up to rounding, and on padding. What is no number differs without a bound.
    """
    real = mask.bool()
    apart = torch.where(real, ours - theirs, 0.0)
    apart = torch.where(apart.isnan(), torch.inf, apart)
    ratio = torch.where(apart.abs() <= ROUNDING, 1.0, apart.exp().clamp(max=most))
    size = apart.double().abs()[real]
    found = Mismatch(
        tokens=size.numel(),
        apart=size.sum().item(),
        largest=size.max().item() if size.numel() else 0.0,
        ratio=ratio.double()[real].sum().item(),
        cut=int((ratio[real] >= most).sum()),
    )
    return ratio, found
