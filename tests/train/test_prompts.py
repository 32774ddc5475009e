"""What a step begins with: views tokenised once, pictures processed once, the next step made meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace

import pytest
from small_project import settings

from vzero.models.pixels import process
from vzero.models.prompt_tokenizer import PromptTokenizer
from vzero.prompts.views import FULL, NEGATIVE, POSITIVE, full_view, with_crop
from vzero.train.batches import load_samples, training_index
from vzero.train.prompts import prepare, prepared_ahead
from vzero.train.scoring import score_step
from vzero.train.training_run import TrainingRun, training_run

ROLES = (FULL, POSITIVE, NEGATIVE)


def run_of(models, **changed) -> TrainingRun:
    return training_run(*models, settings(mini_batches=2, **changed).train)


@pytest.mark.parametrize("recipe", ["needle", "paper", "grpo", "sft"])
def test_a_step_tokenises_a_view_once_and_processes_a_picture_once(project, models, recipe, monkeypatch):
    samples = load_samples(project, training_index(project, ROLES, labels=True)[[3, 1, 8, 20]])
    tokenised: list[str] = []
    pictures: list[bytes] = []
    token_ids = PromptTokenizer.token_ids
    monkeypatch.setattr(
        PromptTokenizer, "token_ids", lambda self, text: tokenised.append(text) or token_ids(self, text)
    )
    monkeypatch.setattr(
        "vzero.models.pixels.process", lambda model, data: pictures.append(data) or process(model, data)
    )
    run = run_of(models, recipe=recipe)
    score_step(run, prepare(run, samples), step=0)
    assert max(Counter(pictures).values()) == 1
    views = {"needle": 3, "paper": 3, "grpo": 1, "sft": 2}[recipe]
    assert len(tokenised) == views * len(samples)


def test_the_next_step_is_made_on_another_thread_while_one_is_worked_on():
    made: list[tuple[int, str]] = []

    def make(step, pool):
        made.append((step, threading.current_thread().name))
        return step

    with prepared_ahead(make, range(2, 6)) as batches:
        assert next(batches) == 2
        deadline = time.monotonic() + 5
        while len(made) < 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert [step for step, _ in made] == [2, 3], "and not the one after it"
        assert list(batches) == [3, 4, 5]
    assert threading.current_thread().name not in {thread for _, thread in made}


def test_what_goes_wrong_there_is_raised_where_the_step_is_taken():
    def make(step, pool):
        if step == 1:
            raise FileNotFoundError("gone")
        return step

    with prepared_ahead(make, range(3)) as batches:
        assert next(batches) == 0
        with pytest.raises(FileNotFoundError, match="gone"):
            next(batches)


def test_training_takes_several_images_a_sample(project, models):
    one, other, *_ = load_samples(project, training_index(project, ROLES)[[3, 8]])
    full = full_view("Which?", one.options, [*one.view(FULL).pictures, *other.view(FULL).pictures])
    views = {role: (with_crop(full, one.view(role).pictures[-1], role),) for role in (POSITIVE, NEGATIVE)}
    sample = replace(one, views=views | {FULL: (full,)})
    run = run_of(models)
    step = score_step(run, prepare(run, [sample, other]), step=0)
    assert [len(prompt.pictures) for prompt in step.batch.asked] == [2, 1]
    assert [len(views[POSITIVE][0].pictures) for views in step.batch.scored] == [3, 2]
    alone = score_step(run, prepare(run, [other]), step=0)
    assert [r.token_ids for r in step.rollouts[3:]] == [r.token_ids for r in alone.rollouts]


class Rounded:
    """A sampler whose log-probs are not those of our replay, by less than what is taken for rounding."""

    exact = False

    def __init__(self, sampler):
        self.sampler = sampler

    def answers(self, prompts, group, sampling, seeds):
        groups = self.sampler.answers(prompts, group, sampling, seeds)
        return [
            [replace(one, logprobs=[said - 5e-5 for said in one.logprobs]) for one in found]
            for found in groups
        ]

    def follow(self, student):
        self.sampler.follow(student)


@pytest.mark.parametrize("recipe", ["paper", "sft"])
def test_log_probs_of_a_sampler_that_is_not_exact_are_replayed(project, models, recipe):
    samples = load_samples(project, training_index(project, ROLES)[[3, 8]])
    run = run_of(models, recipe=recipe)
    exact = score_step(run, prepare(run, samples), step=0)
    other = replace(run, sampler=Rounded(run.sampler))
    ours = score_step(other, prepare(other, samples), step=0)
    for mine, theirs in zip(ours.rollouts, exact.rollouts, strict=True):
        assert mine.token_ids == theirs.token_ids
        assert mine.logprobs == pytest.approx(theirs.logprobs, abs=1e-5)
    assert ours.mismatch.mean == pytest.approx(5e-5, abs=1e-5)
    assert ours.scored.ratio.unique().tolist() == [1.0]
