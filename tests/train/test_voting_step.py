"""A Questioner's step on real models: the frozen Solver is asked inside it, behind one encoding an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from vzero.config import Models, Train
from vzero.config.methods.questioner import Settings
from vzero.config.selfplay import SelfPlay
from vzero.imaging import encode_png
from vzero.methods.base import Sample
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import Prompt, prompts_of
from vzero.needle.scenes import draw_scene, render
from vzero.prompts.roles import questioner_view
from vzero.prompts.views import FULL, Picture
from vzero.rollout import prefix
from vzero.rollout.generate import generate
from vzero.rollout.sampler import Decoder
from vzero.rollout.sampling import Rollout, Sampling
from vzero.train.prompts import prepare
from vzero.train.records import log_row, rollout_rows
from vzero.train.scoring import ScoredStep, score_step
from vzero.train.training_run import TrainingRun, training_run
from vzero.train.update import update
from vzero.voting.hearing import heard

STEMS = ("What letter is on the red circle?", "What letter is on the blue square?")
OPTIONS = (("H", "L", "M", "P"), ("S", "T", "X", "Z"))
SCENES = [draw_scene(np.random.default_rng([5, number]), side=112) for number in range(3)]
FEW = {"votes": 4, "max_new_tokens": 12}


def question(stem: str, options: Sequence[str]) -> str:
    lines = "\n".join(f"{mark}) {option}" for mark, option in zip("ABCD", options, strict=True))
    block = f"<question>{stem}\n{lines}</question>"
    return f"<description>d</description>{block}<answer>A</answer>"


WRITTEN = [*(question(stem, options) for stem, options in zip(STEMS, OPTIONS, strict=True)), "none"]


class Writer:
    """A sampler that writes the same three texts about every image."""

    exact = False

    def __init__(self, model: LoadedModel) -> None:
        self._model = model

    def answers(
        self, prompts: Sequence[Prompt], group: int, sampling: Sampling, seeds: Sequence[int]
    ) -> list[list[Rollout]]:
        return [[self._written(text) for text in WRITTEN[:group]] for _ in prompts]

    def follow(self, student: LoadedModel) -> None:
        pass

    def _written(self, text: str) -> Rollout:
        ids = self._model.tokenizer(text, add_special_tokens=False)["input_ids"]
        return Rollout(ids, text, "stop", [])


@pytest.fixture(scope="module")
def student() -> LoadedModel:
    return load_model(Models().student, Models(), trainable=True)


@pytest.fixture(scope="module")
def solver() -> LoadedModel:
    return load_model(Models().student, Models())


def settings(**voting) -> Settings:
    return SelfPlay.model_validate({"voting": FEW | voting, "questioner": {"kl": None}}).questioner_method()


def questioner(student: LoadedModel, solver: LoadedModel, method: Settings) -> TrainingRun:
    train = Train(recipe=None, method=method, prompts=3, group=3, max_new_tokens=200)
    return replace(training_run(student, solver, train), sampler=Writer(student))


def samples() -> list[Sample]:
    pictures = [Picture.of(encode_png(render(scene)), f"scene {n}") for n, scene in enumerate(SCENES)]
    return [Sample(p.name, {FULL: (questioner_view(p, row=p.name),)}) for p in pictures]


def scored(run: TrainingRun, asked: Sequence[Sample]) -> ScoredStep:
    return score_step(run, prepare(run, asked), step=0)


def test_a_step_learns_from_votes_and_says_what_became_of_each_question(student, solver):
    run = questioner(student, solver, settings())
    before = student.network.lm_head.weight.detach().clone()
    step = scored(run, samples())
    status = step.credit.columns["status"]
    assert [status[row] for row in (2, 5, 8)] == ["tag_missing"] * 3
    assert all(confidence is not None for confidence in step.credit.columns["confidence"][:2])
    optimizer = torch.optim.SGD(student.network.parameters(), lr=1e-4)
    updated = update(Accelerator(cpu=True), run, step, optimizer)
    assert not torch.equal(before, student.network.lm_head.weight)
    row = log_row(rollout_rows(step, run.method, number=0), updated, run.method, number=0, lr=1e-4)
    assert row["malformed"] == pytest.approx(1 / 3)
    assert (row["votes"], row["votes_saved"]) == (6 * 9, 3 * 9)
    assert row["distinct"] == pytest.approx(2 / 6)


@pytest.mark.parametrize("permuted", [True, False])
def test_votes_are_those_of_asking_each_alone_and_every_image_is_encoded_once(student, solver, permuted):
    run = questioner(student, solver, settings(permuted=permuted, blind=False))
    with mock.patch.object(run.method, "credit", wraps=run.method.credit) as credit:
        scored(run, samples())
    [answers] = credit.call_args.args
    asks = run.method.asks(answers)
    alone = []
    for ask in asks:
        [group] = generate(
            solver, prompts_of(solver, [ask.view]), ask.sampling, group=ask.times, seed=ask.seed
        )
        alone.append([rollout.text for rollout in group])
    assert answers.replies == alone
    with mock.patch.object(prefix, "encode", wraps=prefix.encode) as encode:
        heard(Decoder(solver), solver, asks)
    # Votes with reasoning, and quick answers, are two passes.
    encoded = [len(each.pictures) for call in encode.call_args_list for each in call.args[1]]
    assert sum(encoded) == 2 * len(SCENES)


def test_another_image_changes_votes(student, solver):
    run = questioner(student, solver, settings(blind=False))
    own = samples()
    other = [replace(sample, views=own[n - 1].views) for n, sample in enumerate(own)]
    confidences = [scored(run, asked).credit.columns["confidence"] for asked in (own, other)]
    assert confidences[0] != confidences[1]


def test_an_image_that_is_lost_on_the_way_is_an_error(student, solver):
    run = questioner(student, solver, settings())
    lost = Picture("lost", 112, 112)
    broken = [Sample("lost", {FULL: (questioner_view(lost, row="lost"),)})] * 3
    with pytest.raises(Exception, match="lost"):
        scored(run, broken)


def test_a_solver_that_cannot_be_asked_masks_the_question(student, solver):
    class Failing(Decoder):
        def answers(self, prompts, group, sampling, seeds):
            found = super().answers(prompts, group, sampling, seeds)
            return [[] if "blue square" in p.text else f for p, f in zip(prompts, found, strict=True)]

    run = replace(questioner(student, solver, settings()), voter=Failing(solver))
    step = scored(run, samples())
    assert step.credit.counted.tolist() == [True, False, True] * 3
    optimizer = torch.optim.SGD(student.network.parameters(), lr=0.0)
    updated = update(Accelerator(cpu=True), run, step, optimizer)
    row = log_row(rollout_rows(step, run.method, number=0), updated, run.method, number=0, lr=0.0)
    assert row["uncounted"] == 3 and row["malformed"] == 0.5
