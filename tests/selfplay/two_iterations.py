"""A small project of two iterations, whose Questioner writes what a test says; all else is real."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from vzero.config import Params, parse_params
from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.paths import Paths
from vzero.rollout.sampler import Decoder
from vzero.rollout.sampling import Rollout, Sampling
from vzero.stages import questioner, questions, solver, votes

ROOT = Path(__file__).parents[2]
BASE = str(ROOT / "vzero/needle/weights/student")
ROLE = {"steps": 2, "prompts": 4, "mini_batches": 2, "learning_rate": 1e-4, "checkpoint_every": 1}
SELFPLAY = {
    "photographs": {"drawn": {"kind": "needle", "scenes": 12}},
    "dev_fraction": 0.2,
    "iterations": {
        "1": {"questioner": BASE, "solver": BASE},
        "2": {"questioner": "data/selfplay/questioner-1", "solver": "data/selfplay/solver-1"},
    },
    "voting": {"votes": 4, "max_new_tokens": 12},
    "keep": {"by_chance": 1.0, "most": 1.0, "blind": 1.0},
    "questioner": ROLE | {"group": 2, "max_new_tokens": 200},
    "solver": ROLE | {"group": 3, "prompts": 2, "max_new_tokens": 12},
}
STAGES = {"questioner": questioner, "questions": questions, "votes": votes, "solver": solver}
NAMES = [f"{colour} {shape}" for colour in ("red", "blue", "green") for shape in ("circle", "square")]


def settings(**changed) -> Params:
    return parse_params({"selfplay": SELFPLAY | changed})


def play(params: Params, paths: Paths, iterations: Sequence[str] = ("1", "2")) -> None:
    for iteration in iterations:
        for stage in STAGES.values():
            stage.run(params, paths, iteration)


def written(number: int) -> str:
    """A question that depends on the number, and is none for every fifth."""
    if number % 5 == 0:
        return "I cannot think of one."
    options = random.Random(number).sample("HLMPSTXZ", 4)
    lines = "\n".join(f"{mark}) {option}" for mark, option in zip("ABCD", options, strict=True))
    stem = f"What letter is on the {NAMES[number % len(NAMES)]}?"
    return f"<description>d</description><question>{stem}\n{lines}</question><answer>A</answer>"


@contextmanager
def scripted() -> Iterator[None]:
    """Whoever is asked to write a question writes `written` of a number that prompt, seed and place give."""
    decode = Decoder.answers

    def answers(
        self: Decoder, prompts: Sequence[Prompt], group: int, sampling: Sampling, seeds: Sequence[int]
    ) -> list[list[Rollout]]:
        if not prompts or "<description>" not in prompts[0].text:
            return decode(self, prompts, group, sampling, seeds)
        return [
            [_rollout(self._model, f"{prompt.images} {seed} {place}") for place in range(group)]
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]

    with mock.patch.object(Decoder, "answers", answers):
        yield


def _rollout(model: LoadedModel, key: str) -> Rollout:
    text = written(random.Random(key).randrange(1000))
    ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    return Rollout(ids, text, "stop", [-1.0] * len(ids))
