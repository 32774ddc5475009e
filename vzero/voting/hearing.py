"""Put what is asked to a frozen model."""

from __future__ import annotations

from collections.abc import Sequence

from vzero.models.loading import LoadedModel
from vzero.models.prompt import prompts_of
from vzero.rollout.sampler import Sampler
from vzero.rollout.sampling import Sampling
from vzero.voting.voters import Ask

Replies = list[list[str]]


def heard(sampler: Sampler, model: LoadedModel, asks: Sequence[Ask]) -> Replies:
    """The replies to each ask, in order; none to one that the sampler could not answer.

    `model` is the one that answers: its processors make the prompts. What is asked about one image, by
    whatever voter, is answered behind one encoding of it.
    """
    prompts = prompts_of(model, [ask.view for ask in asks])
    alike: dict[tuple[int, Sampling], list[int]] = {}
    for place, ask in enumerate(asks):
        alike.setdefault((ask.times, ask.sampling), []).append(place)
    found: Replies = [[] for _ in asks]
    for (times, sampling), places in alike.items():
        answers = sampler.answers(
            [prompts[place] for place in places], times, sampling, [asks[place].seed for place in places]
        )
        for place, rollouts in zip(places, answers, strict=True):
            found[place] = [rollout.text for rollout in rollouts]
    return found
