"""Who answers prompts: the protocol of samplers, and the one that decodes in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vzero.models.loading import LoadedModel
from vzero.models.prompt import Piece, Prompt
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
        None to a prompt that could not be answered for a reason that is not the prompt's.
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
        for part in self._parts(prompts, group * sampling.max_new_tokens):
            chosen, seed = [prompts[index] for index in part], [seeds[index] for index in part]
            found.update(
                zip(part, generate(self._model, chosen, sampling, group=group, seed=seed), strict=True)
            )
        return [found[index] for index in range(len(prompts))]

    def follow(self, student: LoadedModel) -> None:
        self._model = student

    def _parts(self, prompts: Sequence[Prompt], answers: int) -> list[list[int]]:
        """Numbers of the prompts that go through the model together; `answers`: tokens of a prompt's.

        Prompts about one image stay together as far as the bound lets them: they share its encoding. Those
        without an image, which have nothing to share, go apart from them.
        """
        numbers = range(len(prompts))
        kinds = [[n for n in numbers if bool(prompts[n].pictures) is seen] for seen in (True, False)]
        if self._tokens is None:
            return [kind for kind in kinds if kind]
        lengths = [len(prompt.token_ids) + answers for prompt in prompts]
        return [part for kind in kinds for part in self._bounded(prompts, kind, lengths, self._tokens)]

    def _bounded(
        self, prompts: Sequence[Prompt], numbers: Sequence[int], lengths: Sequence[int], tokens: int
    ) -> list[list[int]]:
        by_image: dict[Piece, list[int]] = {}
        for number in numbers:
            by_image.setdefault(prompts[number].halves[0], []).append(number)
        bundles = [
            [alike[place] for place in part]
            for alike in by_image.values()
            for part in pack([lengths[number] for number in alike], tokens)
        ]
        sizes = [len(bundle) * max(lengths[number] for number in bundle) for bundle in bundles]
        return [[n for index in part for n in bundles[index]] for part in pack(sizes, tokens)]
