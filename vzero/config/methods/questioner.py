"""The Questioner of self-play (arXiv 2601.10094): GRPO on the votes that its questions get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from vzero.config.base import Section
from vzero.config.loss import PolicyGradient
from vzero.config.methods.base import MethodSettings
from vzero.config.methods.grpo import Advantage
from vzero.config.voting import Keep, Voting


class Reward(Section):
    """What a written question earns: by two tracks (`vzero.signals.votes.dual_track`), 0 to 0.5."""

    reading: Literal["strict", "lenient"] = "strict"
    """How a question is read out of what was written; lenient as the released code does."""
    malformed: float = -1.0
    """Of what is no question."""
    tracks: Literal["both", "uncertainty"] = "both"
    """uncertainty: min(c, 1 - c) whether or not the quick answer agrees, the paper's ablation."""
    only_kept: bool = True
    """0 for what the Solver would not learn from (`Keep`); false pays it all the same, as published."""
    repeats: Annotated[float, Field(ge=0)] = 1.0
    """Taken off, times the share of this step's and of earlier iterations' questions that nearly repeat
    it."""
    similar: Annotated[float, Field(gt=0, le=1)] = 0.7
    """From which Jaccard index of their stems' neighbouring words on two questions repeat each other."""


class Settings(MethodSettings):
    kind: Literal["questioner"] = "questioner"
    reward: Reward = Reward()
    voting: Voting = Voting()
    keep: Keep = Keep()
    advantage: Advantage = Advantage()
    policy_gradient: PolicyGradient = PolicyGradient()

    of_train: ClassVar = False
    teacher: ClassVar = "votes"

    def problems(self, *, group: int) -> Iterator[str]:
        if group < 2:
            yield "rewards are compared: group must be at least 2"
        if self.voting.permuted and self.voting.votes % 2:
            yield f"voting.votes ({self.voting.votes}) must be even: each order of options has its reverse"
        if self.voting.permuted and self.voting.words == "boxed":
            yield "voting.permuted must be false: what stands in a box is counted as it stands"
