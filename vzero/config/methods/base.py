"""What the settings of every method have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from vzero.config.base import Section
from vzero.config.loss import Meaningless, Reference, Term


class MethodSettings(Section):
    kind: str
    """The method: the name of a file in `vzero/methods` and of one in `vzero/config/methods`."""
    logprob_temperature: Literal["one", "rollout"] = "one"
    """What logits are divided by before log-probs are taken: 1, or `train.temperature`, as verl and TRL do,
    so that they are those of the policy that samples. For everything alike: current and old log-probs, the
    teacher's replay and with it the gate, distributions, the `rollouts` table."""
    reference: Reference | None = None
    """A further term of the loss: KL to the student as it was at the start; null: none."""

    teacher: ClassVar[Literal["scores", "writes", "votes", "none"]]
    """What a frozen model is there for: it scores the student's answers, it writes them, it answers what is
    asked about them, or there is none."""
    of_train: ClassVar[bool] = True
    """Whether the stage `train` has what it learns from; roles of self-play learn from written questions."""

    @property
    def labels(self) -> bool:
        """Whether samples' answers are read; those of a method that does not are never loaded."""
        return False

    def terms(self) -> tuple[Term, ...]:
        """What the loss is the sum of."""
        terms = [value for _, value in self if isinstance(value, Term)]
        return tuple(sorted(terms, key=lambda term: isinstance(term, Reference)))

    def meaningless(self, *, group: int) -> Meaningless:
        """Settings that change nothing beside the others with groups of this size."""
        for section, value in self:
            if isinstance(value, Term):
                for name, reason in value.meaningless():
                    yield f"{section}.{name}", reason

    def problems(self, *, group: int) -> Iterator[str]:
        """Why settings contradict each other, by names under `train.method`."""
        yield from ()
