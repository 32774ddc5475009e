"""How fast a Questioner's step gets its votes, beside a Solver that encodes every row's own prompt.

That one decodes all rows until the last of them has ended, as families do whose caches are not known to fork.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np

import vzero
from bench.measurements import Measurement, compare_seconds
from bench.predictions import PlainModel
from bench.timing import best_seconds, timed
from vzero.answers.questions import WrittenQuestion, read_question
from vzero.config import Models, SelfPlay
from vzero.config.voting import Voting
from vzero.imaging import encode_png
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import prompts_of
from vzero.needle.scenes import SIDES, draw_scene, render
from vzero.prompts.roles import questioner_view
from vzero.prompts.views import Picture
from vzero.rollout.sampler import Decoder
from vzero.rollout.sampling import Sampling
from vzero.voting.hearing import heard
from vzero.voting.voters import Ask, asks_of, voters

PLAYER = Path(vzero.__file__).parent / "needle/weights/player"
IMAGES, GROUP = 12, 4  # of configs/selfplay.yaml
WRITING = Sampling(1.0, 128)
ROUNDS = 3
MODES = {
    "votes, repaired": SelfPlay(mode="repaired").voting,
    "votes, as released": SelfPlay.model_validate({"mode": "reference", "voting": {"words": "own"}}).voting,
}


def measure() -> Iterator[Measurement]:
    """The player votes on its own questions about drawn scenes. Raises ValueError where votes differ."""
    model = load_model(PLAYER, Models())
    plain = PlainModel(*(getattr(model, each.name) for each in fields(model)))
    for case, voting in MODES.items():
        asks = _asks(model, voting)
        variants = {"every prompt by itself": plain, "shared prefixes": model}
        replies = [heard(Decoder(each), each, asks) for each in variants.values()]
        if replies[0] != replies[1]:
            raise ValueError("shared prefixes change votes")
        works = {name: timed(partial(heard, Decoder(each), each, asks)) for name, each in variants.items()}
        seconds = best_seconds(works, rounds=ROUNDS)
        yield from compare_seconds(case, seconds, baseline="every prompt by itself")


def _asks(model: LoadedModel, voting: Voting) -> list[Ask]:
    """What the Solver is asked in a step: every question that could be read."""
    scenes = [
        draw_scene(np.random.default_rng([3, number]), side=SIDES["standard"]) for number in range(IMAGES)
    ]
    pictures = [Picture.of(encode_png(render(scene))) for scene in scenes]
    views = [questioner_view(picture) for picture in pictures]
    groups = Decoder(model).answers(prompts_of(model, views), GROUP, WRITING, range(IMAGES))
    asks = []
    for picture, group in zip(pictures, groups, strict=True):
        for text in {rollout.text: None for rollout in group}:
            question = read_question(text, truncated=False)
            if isinstance(question, WrittenQuestion):
                for voter in voters(voting, window=False):
                    asks += asks_of(voter, question, picture, voting)
    return asks
