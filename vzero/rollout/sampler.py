"""Who answers prompts: the protocol of samplers, and the one that decodes in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout.generate import UNBOUNDED, Bounds, generate
from vzero.rollout.sampling import Rollout, Sampling


class Sampler(Protocol):
    @property
    def exact(self) -> bool:
        """Whether log-probs of answers are those of our own replay. Others' are replayed before use."""
        ...

    def answers(
        self, prompts: Sequence[Prompt], group: int, sampling: Sampling, seeds: Sequence[int]
    ) -> list[list[Rollout]]:
        """`group` answers to every prompt, in the prompts' order; a seed a prompt.

        An answer depends on its prompt, its seed and its place in the group, not on what it is asked with.
        None to a prompt that could not be answered for a reason that is not the prompt's.
        """
        ...

    def follow(self, student: LoadedModel) -> None:
        """Answer with the student's weights as they are now."""
        ...


class Decoder:
    """Decodes in this process, with the weights that training changes."""

    exact = True

    def __init__(self, model: LoadedModel, bounds: Bounds = UNBOUNDED) -> None:
        self._model, self._bounds = model, bounds

    def answers(
        self, prompts: Sequence[Prompt], group: int, sampling: Sampling, seeds: Sequence[int]
    ) -> list[list[Rollout]]:
        return generate(self._model, prompts, sampling, group=group, seed=seeds, bounds=self._bounds)

    def follow(self, student: LoadedModel) -> None:
        self._model = student
