"""The Solver of self-play (arXiv 2601.10094): GRPO on the labels that votes gave to written questions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from vzero.config.loss import PolicyGradient
from vzero.config.methods.base import MethodSettings
from vzero.config.methods.grpo import Advantage
from vzero.config.voting import Words


class Settings(MethodSettings):
    kind: Literal["solver"] = "solver"
    words: Words = "own"
    """How the Solver is told to answer and is read, as of `Voting`."""
    advantage: Advantage = Advantage()
    policy_gradient: PolicyGradient = PolicyGradient()

    of_train: ClassVar = False
    teacher: ClassVar = "none"

    def problems(self, *, group: int) -> Iterator[str]:
        if group < 2:
            yield "rewards are compared: group must be at least 2"
