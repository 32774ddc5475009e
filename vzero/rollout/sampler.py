"""Who answers prompts: the protocol of samplers, and the one that decodes in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout.generate import Rollout, Sampling, generate
from vzero.rollout.packing import pack


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
        """
        ...

    def follow(self, student: LoadedModel) -> None:
        """Answer with the student's weights as they are now."""
        ...


class Decoder:
    """Decodes in this process, with the weights that training changes."""

    exact = True

    def __init__(self, model: LoadedModel, *, tokens: int | None = None) -> None:
        """`tokens` bounds a pass, prompts and answers with their padding; without it one pass takes all."""
        self._model = model
        self._tokens = tokens

    def answers(
        self, prompts: Sequence[Prompt], group: int, sampling: Sampling, seeds: Sequence[int]
    ) -> list[list[Rollout]]:
        found: dict[int, list[Rollout]] = {}
        for part in self._parts([len(p.token_ids) + group * sampling.max_new_tokens for p in prompts]):
            chosen, seed = [prompts[index] for index in part], [seeds[index] for index in part]
            found.update(
                zip(part, generate(self._model, chosen, sampling, group=group, seed=seed), strict=True)
            )
        return [found[index] for index in range(len(prompts))]

    def follow(self, student: LoadedModel) -> None:
        self._model = student

    def _parts(self, lengths: Sequence[int]) -> list[list[int]]:
        return [list(range(len(lengths)))] if self._tokens is None else pack(lengths, self._tokens)
