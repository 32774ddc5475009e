"""Group-relative policy optimisation on the right letter (arXiv 2402.03300), as verl and TRL have it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from vzero.config.base import Section
from vzero.config.loss import Meaningless, PolicyGradient
from vzero.config.methods.base import MethodSettings


class Advantage(Section):
    """How rewards are compared among siblings: (reward - mean) / (deviation + eps) over a group."""

    ddof: Literal[0, 1] = 1
    """The deviation of n rewards is taken over n - ddof: 1 in verl and TRL, 0 is the population's."""
    eps: Annotated[float, Field(gt=0)] = 1e-6
    """Added to the deviation: 1e-6 in verl, 1e-4 in TRL."""
    group_of_one: Literal["zero", "reward"] = "zero"
    """Advantage of an answer without siblings (`group` 1): 0 as in TRL, which learns nothing, or its reward
    as in verl (which divides it by 1 + eps)."""


class Settings(MethodSettings):
    kind: Literal["grpo"] = "grpo"
    advantage: Advantage = Advantage()
    policy_gradient: PolicyGradient = PolicyGradient()

    teacher: ClassVar = "none"

    @property
    def labels(self) -> bool:
        return True

    def meaningless(self, *, group: int) -> Meaningless:
        yield from super().meaningless(group=group)
        if group > 1:
            yield "advantage.group_of_one", "train.group is above 1 and every answer has siblings"
        else:
            for name in ("ddof", "eps"):
                yield f"advantage.{name}", "train.group is 1 and there is no deviation"

    def problems(self, *, group: int) -> Iterator[str]:
        if group < 2 and self.advantage.group_of_one == "zero":
            yield "rewards are compared: train.group must be at least 2, or advantage.group_of_one reward"
