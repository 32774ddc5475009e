"""Gated on-policy distillation (arXiv 2606.25319), and without the gate privileged on-policy distillation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from vzero.config.base import Section
from vzero.config.loss import Divergence, Meaningless
from vzero.config.methods.base import MethodSettings


class Gate(Section):
    """The contrastive evidence gate (arXiv 2606.25319, eqs 14-24)."""

    enabled: bool = True
    """Whether the teacher also sees wrong crops, and answers are weighed by what that changes. Off: every
    weight is 1, which is plain privileged on-policy distillation."""
    gamma: Annotated[float, Field(ge=0)] = 1.0
    """How much counter-evidence (negative token gaps) counts."""
    alpha: Annotated[float, Field(ge=0)] = 0.5
    """Strength: weight = clip(1 + alpha * z, w_min, w_max)."""
    w_min: Annotated[float, Field(ge=0)] = 0.0
    w_max: Annotated[float, Field(ge=0)] = 2.0
    eps: Annotated[float, Field(gt=0)] = 1e-6
    """Added to the group's population standard deviation (that over n), nats a token."""
    shrinkage: Annotated[float, Field(ge=0)] = 0.0
    """tau, nats a token: z = (score - mean) / sqrt(deviation^2 + tau^2), so that groups that hardly differ
    stay near weight 1; 0: off."""
    margin: float | None = None
    """An answer whose score (nats a token) is not above this never gets a weight above 1, best of its group
    or not; null: off."""
    renormalise: bool = False
    """Scale the clipped weights of a group to mean 1. The margin comes after it and has the last word."""
    top_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The score is the mean over this share of an answer's tokens, those with the largest absolute gaps."""
    skip_first: bool = False
    """Leave an answer's first token out of its score; an answer of one token then scores 0."""
    shuffled: bool = False
    """A control: deal a group's weights out among its answers at random. What is left is how they spread, and
    nothing of which answer has the evidence."""
    oracle: bool = False
    """A control that reads labels: an answer's score is 1 where its letter is right and 0 where not, whatever
    the crops say."""


class Target(Section):
    """The distribution to learn: the teacher's with the right crop, or one further from the wrong crop."""

    tilt: Annotated[float, Field(ge=0)] = 0.0
    """(1 + tilt) log p+ - tilt log p-, renormalised, from the teacher's two views; 0: log p+."""
    tilt_clip: Annotated[float, Field(gt=0)] = 10.0
    """Bound on log p+ - log p- of a token before the tilt, nats."""
    adaptive: bool = False
    """Tilt every token by how far the two views are apart there: `tilt` times their total variation, which is
    0 where they agree and 1 where they exclude each other."""


class Settings(MethodSettings):
    kind: Literal["gated"] = "gated"
    gate: Gate = Gate()
    target: Target = Target()
    divergence: Divergence = Divergence()

    teacher: ClassVar = "scores"

    @property
    def labels(self) -> bool:
        return self.gate.oracle

    def meaningless(self, *, group: int) -> Meaningless:
        yield from super().meaningless(group=group)
        if not self.gate.enabled:
            for name in Gate.model_fields.keys() - {"enabled"}:
                yield f"gate.{name}", "train.method.gate.enabled is not true"
        elif self.gate.oracle:
            for name in ("gamma", "top_share", "skip_first"):
                yield f"gate.{name}", "train.method.gate.oracle takes scores from the labels"
        if not self.target.tilt:
            for name in ("tilt_clip", "adaptive"):
                yield f"target.{name}", "has no meaning without a tilt: tilt must be above 0"

    def problems(self, *, group: int) -> Iterator[str]:
        for problem in self.divergence.problems():
            yield f"divergence.{problem}"
        if self.target.tilt and not self.gate.enabled:
            yield "target.tilt needs the negative view: gate.enabled true"
        if self.gate.enabled and group < 2:
            yield "the gate compares siblings: train.group must be at least 2, or gate.enabled false"
        if self.gate.oracle and self.gate.shuffled:
            yield "gate.oracle and gate.shuffled are two controls: one of them"
        if self.gate.enabled and self.gate.w_max < self.gate.w_min:
            yield f"gate.w_max ({self.gate.w_max:g}) must be at least gate.w_min ({self.gate.w_min:g})"
