"""Terms of a loss: what each one is, how much it counts and how its tokens add up.

A method's loss is the sum of its terms (`vzero.train.loss`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from vzero.config.base import NonNegative, Section

Meaningless = Iterator[tuple[str, str]]
"""Settings that change nothing beside the others, by dotted name, each with the reason."""

MAX_K3 = 10.0
"""Bounds k3 anyway (`vzero.signals.policy`)."""


Aggregation = Literal["token_mean", "sequence_mean", "sequence_sum", "sequence_sum_norm"]


class Term(Section):
    coefficient: Annotated[float, Field(gt=0)] = 1.0
    """What the term counts beside others."""
    aggregation: Aggregation = "sequence_mean"
    """The paper averages each answer first; the released code averages over all tokens. sequence_sum adds
    up each answer; sequence_sum_norm divides that by max_new_tokens."""

    def meaningless(self) -> Meaningless:
        yield from ()


class Surrogate(Term):
    """A term that may be a policy gradient."""

    surrogate: Literal["clipped", "plain"] = "clipped"
    """Dual-clip PPO, or REINFORCE."""
    ratio_clip: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """How far the ratio to the policy that sampled counts, on either side of 1."""
    dual_clip: Annotated[float, Field(gt=1)] = 3.0
    """Bound on the ratio where the advantage is negative."""

    @property
    def takes_ratio(self) -> bool:
        """Whether the student is compared with itself when it sampled."""
        return self.surrogate == "clipped"

    def meaningless(self) -> Meaningless:
        if self.surrogate == "plain":
            for name in ("ratio_clip", "dual_clip"):
                yield name, "belongs to surrogate clipped, not to plain"


class PolicyGradient(Surrogate):
    """Raises or lowers log-probs by their advantage."""


class Divergence(Surrogate):
    """How far the student's next tokens are from the target's."""

    kind: Literal["k1", "k2", "k3", "forward_kl", "reverse_kl", "jsd"] = "forward_kl"
    """k1, k2 and k3 see the sampled tokens (k1 as a policy gradient, the others propagated); the rest
    compare distributions."""
    top_k: NonNegative = 0
    """Size of the teacher's support kept for the distribution forms; 0: the whole vocabulary."""
    tail: bool = True
    """Everything outside the support in one bucket; false leaves it out, which only forward_kl may."""
    jsd_beta: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Weight of the teacher in the mixture of the generalised JSD."""
    clamp: Annotated[float, Field(gt=0)] | None = None
    """Bound on a sampled token's k1, k2 or k3, before weighting; null: none."""

    @field_validator("surrogate", mode="before")
    @classmethod
    def _k1_is_not_propagated(cls, surrogate: Any) -> Any:
        if surrogate == "direct":
            raise ValueError(
                "k1 cannot be back-propagated directly, its gradient does not see the teacher; allowed: "
                "clipped, plain (or divergence k2, which is propagated)"
            )
        return surrogate

    def meaningless(self) -> Meaningless:
        for name, kinds in BELONGS_TO.items():
            if self.kind not in kinds:
                yield name, f"belongs to {' / '.join(kinds)}, not to {self.kind}"
        if self.kind == "k1":
            yield from super().meaningless()
        if self.top_k == 0:
            yield "tail", "has no meaning without a support: top_k must be above 0"

    def problems(self) -> Iterator[str]:
        """Why the divergence cannot be computed, or would lead astray."""
        if not self.tail and self.kind != "forward_kl":
            yield (
                f"tail: false is for forward_kl only, not for {self.kind}: mass outside the teacher's top-k "
                "would be invisible, and the student could put all of its own there for free"
            )
        if self.kind == "k3" and self.bound > MAX_K3 and self.clamp is not None:
            yield f"clamp must be at most {MAX_K3:g}, which bounds k3 anyway, or null"

    @property
    def takes_ratio(self) -> bool:
        return self.kind == "k1" and super().takes_ratio

    @property
    def distribution(self) -> Literal["forward_kl", "reverse_kl", "jsd"] | None:
        """The kind, where whole distributions are compared; None where only sampled tokens are seen."""
        if self.kind == "k1" or self.kind == "k2" or self.kind == "k3":
            return None
        return self.kind

    @property
    def bound(self) -> float:
        """The clamp as a number."""
        return math.inf if self.clamp is None else self.clamp


BELONGS_TO = {
    "surrogate": ("k1",),
    "ratio_clip": ("k1",),
    "dual_clip": ("k1",),
    "clamp": ("k1", "k2", "k3"),
    "top_k": ("forward_kl", "reverse_kl", "jsd"),
    "tail": ("forward_kl", "reverse_kl", "jsd"),
    "jsd_beta": ("jsd",),
}
"""Which kinds of divergence a setting belongs to; the others belong to all."""


class Likelihood(Term):
    """Cross-entropy of the answers as they are."""

    aggregation: Aggregation = "token_mean"


class Reference(Term):
    """Keeps the student near what it was when training began. Weights of rollouts do not scale it."""

    coefficient: Annotated[float, Field(gt=0)] = 0.01
    kind: Literal["k2", "k3"] = "k3"
    """How the divergence of a sampled token is estimated; both are propagated."""
