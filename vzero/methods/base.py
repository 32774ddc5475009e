"""What passes between the step loop and a method: samples, tasks, answers, credit.

The loop asks a method for tasks, lets whoever writes answer them, replays the answers under the views that
the tasks name, puts to the frozen model what the method asks about them, and asks for credit: what of it is
learnt. It knows no method, and a method touches no weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import polars as pl
import torch

from vzero.config.methods.base import MethodSettings
from vzero.config.methods.grpo import Advantage
from vzero.prompts.views import View
from vzero.rollout.sampling import Rollout
from vzero.signals.groups import group_normalise
from vzero.voting.voters import Ask

Settings = TypeVar("Settings", bound=MethodSettings)


@dataclass(frozen=True)
class Sample:
    """A question with the views that a model may be shown of it."""

    sample_id: str
    views: Mapping[str, tuple[View, ...]]
    """By role. Several where a role was drawn several times; none where it could not be made, as a negative
    view of a sample for which no irrelevant crop was found."""
    options: tuple[str, ...] = ()
    answer: str | None = None
    """A letter; None unless the method's settings declare that it learns from labels, or votes decided it."""
    weight: float = 1.0
    """What is learnt of its answers counts so much."""

    def view(self, role: str) -> View:
        """The one view of a role of which there is one."""
        (only,) = self.views[role]
        return only


@dataclass(frozen=True)
class Task:
    """Something to be answered, a group of times."""

    sample: Sample
    asked: View
    """What the one who writes the answers is shown."""
    learnt: View
    """What the student is shown when it learns from them; its own prompt, where it writes them."""
    scored: Mapping[str, tuple[View, ...]] = field(default_factory=dict)
    """What the teacher is shown when it scores them, by role. Of several views of a role log-probs are the
    mean, and distributions the first one's."""


@dataclass(frozen=True)
class Answers:
    """All that is known of a step's answers. Rows are rollouts, siblings beside each other."""

    tasks: Sequence[Task]
    rollouts: Sequence[Rollout]
    mask: torch.Tensor
    """(rows, tokens), 1 on the answers' tokens."""
    logprobs: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """The teacher's of the answers' tokens, (rows, tokens) by role of `Task.scored`."""
    replies: Sequence[Sequence[str]] = ()
    """The frozen model's to each of `Method.asks`; none to one that could not be put to it."""
    everyone: Sequence[str] = ()
    """What was written in this step, by the students of all processes."""

    @property
    def group(self) -> int:
        return len(self.rollouts) // len(self.tasks)

    @property
    def groups(self) -> torch.Tensor:
        """Which rows are siblings: the number of each one's task, (rows,)."""
        return torch.arange(len(self.rollouts)) // self.group


@dataclass(frozen=True)
class Target:
    """The teacher's distribution that divergences are taken to."""

    role: str
    away_from: str | None = None
    """Role that the target is tilted away from (`vzero.signals.tilt`)."""
    tilt: float = 0.0
    clip: float = 0.0
    adaptive: bool = False

    @property
    def roles(self) -> tuple[str, ...]:
        return (self.role,) if self.away_from is None else (self.role, self.away_from)


@dataclass(frozen=True)
class Credit:
    """What is learnt of each answer. Rows are rollouts, as in `Answers`."""

    weights: torch.Tensor
    """(rows,); scale every term of the loss but the one to the reference."""
    counted: torch.Tensor
    """(rows,), bool; what is not counted enters no loss and no statistic."""
    advantages: torch.Tensor | None = None
    """(rows,) or (rows, tokens), for policy-gradient terms."""
    columns: Mapping[str, torch.Tensor | Sequence[Any]] = field(default_factory=dict)
    """(rows,) each: what the columns of these names in `tables.Rollouts` show of it."""

    def to(self, device: torch.device) -> Credit:
        """The same on another device; a method need not care which one the models are on."""
        advantages = None if self.advantages is None else self.advantages.to(device)
        return Credit(self.weights.to(device), self.counted.to(device), advantages, self.columns)

    @classmethod
    def uniform(
        cls, answers: Answers, advantages: torch.Tensor | None = None, **columns: torch.Tensor
    ) -> Credit:
        """Every answer counts, and weighs 1."""
        ones = torch.ones(len(answers.rollouts), device=answers.mask.device)
        return cls(ones, ones.bool(), advantages, columns)

    @classmethod
    def rewarded(cls, answers: Answers, earned: Sequence[float], constants: Advantage) -> Credit:
        """Rewards (rows,) compared among siblings; an answer weighs what its sample does."""
        device = answers.mask.device
        rewards = torch.tensor(earned, device=device)
        advantages = group_normalise(rewards, answers.groups, **constants.model_dump())
        shown = {"reward": rewards, "evidence_score": rewards, "advantage": advantages}
        weights = [task.sample.weight for task in answers.tasks for _ in range(answers.group)]
        return replace(
            cls.uniform(answers, advantages, **shown), weights=torch.tensor(weights, device=device)
        )


class Method(ABC, Generic[Settings]):
    """A way to learn. Its file says nothing of models, weights, devices or processes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    @abstractmethod
    def roles(self) -> frozenset[str]:
        """Of the samples' views: those that its tasks are made of."""

    @property
    def target(self) -> Target | None:
        """What divergences are taken to; None where the loss has none."""
        return None

    @abstractmethod
    def tasks(self, samples: Sequence[Sample]) -> list[Task]:
        """What is to be answered in a step."""

    def asks(self, answers: Answers) -> Sequence[Ask]:
        """What the frozen model is asked about the answers, where the settings say that it votes."""
        return ()

    @abstractmethod
    def credit(self, answers: Answers) -> Credit:
        """What is to be learnt of the answers."""

    def figures(self, rollouts: pl.DataFrame) -> Mapping[str, Any]:
        """Columns of `tables.TrainLog` that only this method can tell, from a step's rows of
        `tables.Rollouts`."""
        return {}
