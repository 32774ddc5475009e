"""The sampler that asks servers."""

from __future__ import annotations

from collections.abc import Sequence

from vzero.launched import is_first, together
from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout.agreement import require_agreement, sampled_mismatch
from vzero.rollout.sampling import Rollout, Sampling, rollout_of
from vzero.rollout.server.client import Weights
from vzero.rollout.server.handover import Handover
from vzero.rollout.server.servers import Servers
from vzero.rollout.server.wire import Request


class ServerSampler:
    """Answers of servers, with the weights of whom it follows; the log-probs are theirs.

    Several samplers may share servers: `follow` before `answers` has them read the right weights.
    """

    exact = False

    def __init__(self, model: LoadedModel, servers: Servers, handover: Handover) -> None:
        self._model, self._servers, self._handover = model, servers, handover
        self._weights: Weights | None = None

    def follow(self, student: LoadedModel) -> None:
        """Have the servers read its weights as they are now. All processes call it together."""
        before, self._model, self._weights = self._weights, student, self._handover.write(student)
        self._read(self._weights)
        if before is not None:
            self._handover.forget(before)

    def answers(
        self, prompts: Sequence[Prompt], group: int, sampling: Sampling, seeds: Sequence[int]
    ) -> list[list[Rollout]]:
        model = self._model
        requests = [
            Request(model, prompt, group, sampling, seed) for prompt, seed in zip(prompts, seeds, strict=True)
        ]
        found = self._servers.answers(requests) if requests else []
        return [[rollout_of(model, one.token_ids, one.logprobs) for one in answered] for answered in found]

    def _read(self, weights: Weights) -> None:
        if is_first():
            together(lambda: self._servers.load(weights))
        else:
            together(lambda: self._servers.believe(weights))


class FrozenServerSampler(ServerSampler):
    """Of a model that stays as it is: read once, and again where servers have read another's meanwhile.

    The first answers after each reading are replayed here; where a model learns, training replays them all.
    """

    def __init__(
        self,
        model: LoadedModel,
        servers: Servers,
        handover: Handover,
        *,
        weights: Weights | None,
        max_mismatch: float,
    ) -> None:
        """`weights`: where they are as servers read them; None: they have to be written."""
        super().__init__(model, servers, handover)
        self._weights, self._max_mismatch = weights, max_mismatch
        self._looked = False

    def follow(self, student: LoadedModel) -> None:
        self._weights = self._weights or self._handover.write(student)
        if self._servers.given != self._weights:
            self._read(self._weights)
            self._looked = False

    def answers(
        self, prompts: Sequence[Prompt], group: int, sampling: Sampling, seeds: Sequence[int]
    ) -> list[list[Rollout]]:
        found = super().answers(prompts, group, sampling, seeds)
        if prompts and not self._looked:
            require_agreement(sampled_mismatch(self._model, prompts, found), self._max_mismatch)
            self._looked = True
        return found
