"""One step on real tiny models: the gate's effects on the loss, and independence of how it is split."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator
from small_project import settings

from vzero.config import Params
from vzero.models.loading import LoadedModel, load_model
from vzero.rollout.replay import replay
from vzero.train.batches import TrainingSample, load_samples, training_index
from vzero.train.objective import response_logprobs, rollout_loss
from vzero.train.recipes import RECIPES, Recipe
from vzero.train.resolve import resolve
from vzero.train.sampling import positive_prompts
from vzero.train.scoring import ScoredStep, score_step
from vzero.train.training_run import TrainingRun
from vzero.train.update import update
from vzero.train.views import teacher_views


@pytest.fixture
def models(project) -> tuple[LoadedModel, LoadedModel]:
    params = settings()
    return tuple(
        load_model(project.resolve(getattr(params.models, name)), params.models, trainable=name == "student")
        for name in ("student", "teacher")
    )


@pytest.fixture
def samples(project) -> list[TrainingSample]:
    return load_samples(project, training_index(project, labels=True)[[3, 1, 8, 20]])


def run_of(models: Sequence[LoadedModel], params: Params) -> TrainingRun:
    student, teacher = models
    return TrainingRun(student, teacher, params.train, resolve(params.train))


def updated_weights(models, samples, params: Params) -> dict[str, torch.Tensor]:
    """The student after one step of plain gradient descent, which shows gradients as they are."""
    student, teacher = copy.deepcopy(models[0]), models[1]
    optimizer = torch.optim.SGD(student.network.parameters(), lr=0.1)
    run = run_of((student, teacher), params)
    update(Accelerator(), run, score_step(run, samples, step=0), optimizer)
    return {name: p.detach() for name, p in student.network.named_parameters()}


def largest_difference(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    return max((a[name] - b[name]).abs().max().item() for name in a)


@pytest.mark.parametrize("recipe", ["needle", "released", "paper"])
def test_alpha_zero_is_plain_distillation(models, samples, recipe):
    params = settings(recipe=recipe, gate={"alpha": 0.0})
    step = score_step(run_of(models, params), samples, step=0)
    # Weights of exactly 1 make the same loss bit for bit; a replay of one view rounds otherwise than of two.
    assert step.evidence.weights.tolist() == [1.0] * 12
    gated = updated_weights(models, samples, params)
    plain = updated_weights(models, samples, settings(recipe=recipe, gate={"enabled": False}))
    assert largest_difference(gated, plain) < 1e-6
    half = updated_weights(models, samples, settings(recipe=recipe, gate={"alpha": 0.5}))
    assert largest_difference(half, plain) > 1e-4


@pytest.mark.parametrize("recipe", ["needle", "released", "paper", "grpo", "sft"])
@pytest.mark.parametrize("budget", [1, 500])
def test_micro_batches_change_nothing(models, samples, recipe, budget):
    whole = updated_weights(models, samples, settings(recipe=recipe, micro_tokens=100_000))
    split = updated_weights(models, samples, settings(recipe=recipe, micro_tokens=budget))
    assert largest_difference(whole, split) < 1e-6


@pytest.mark.parametrize("recipe", ["needle", "released"])
def test_the_order_of_the_prompts_changes_nothing(models, samples, recipe):
    params = settings(recipe=recipe)
    order = [2, 0, 3, 1]
    step = score_step(run_of(models, params), samples, step=0)
    shuffled = score_step(run_of(models, params), [samples[i] for i in order], step=0)
    weights = step.evidence.weights.view(4, 3)
    assert torch.allclose(shuffled.evidence.weights.view(4, 3), weights[order], atol=1e-4)
    there = updated_weights(models, samples, params)
    back = updated_weights(models, [samples[i] for i in order], params)
    assert largest_difference(there, back) < 1e-5


def test_without_a_negative_crop_the_weight_is_one(models, samples):
    blind = [replace(sample, negatives=()) for sample in samples]
    params = settings()
    step = score_step(run_of(models, params), blind, step=0)
    assert step.evidence.weights.tolist() == [1.0] * 12
    assert torch.equal(step.views.negative, step.views.positive)


def test_several_negatives_are_averaged(models, samples):
    params = settings()
    one, other = samples[0].negatives[0], samples[1].positive

    def negative(*crops: bytes) -> torch.Tensor:
        shown = [replace(samples[0], negatives=crops)]
        return score_step(run_of(models, params), shown, step=0).views.negative

    assert torch.allclose(negative(one, other), (negative(one) + negative(other)) / 2, atol=1e-5)
    assert not torch.allclose(negative(one), negative(other), atol=1e-3)


def test_the_negative_view_may_show_another_full_image(models, samples):
    params = settings()
    other = [replace(samples[0], negative_image=samples[1].image)]
    shown = [replace(samples[0], image=samples[1].image, positive=samples[0].negatives[0])]
    there = score_step(run_of(models, params), other, step=0)
    assert (there.views.positive - there.views.negative).abs().max() > 1e-3
    tokens, mask = there.scored.token_ids, there.scored.mask
    alone = teacher_views(models[1], shown, tokens, mask, params.train, RECIPES["opd"])
    assert torch.allclose(there.views.negative, alone.positive, atol=1e-5)


def test_hidden_states_are_kept_only_for_the_views_that_the_target_is_made_of(models, samples):
    def kept(**changes) -> tuple[bool, bool]:
        params = settings(**changes)
        views = score_step(run_of(models, params), samples, step=0).views
        return views.positive_hidden is not None, views.negative_hidden is not None

    assert kept(recipe="needle") == (True, False)
    assert kept(recipe="paper") == (False, False)
    assert kept(recipe="paper", objective={"tilt": 1.0}) == (True, True)


def test_rollouts_are_weighed_against_their_siblings_only(models, samples):
    params = settings()
    together = score_step(run_of(models, params), samples, step=0)
    alone = score_step(run_of(models, params), samples[1:2], step=0)
    assert [r.token_ids for r in together.rollouts[3:6]] == [r.token_ids for r in alone.rollouts]
    assert together.evidence.weights[3:6].tolist() == pytest.approx(alone.evidence.weights.tolist(), abs=1e-4)


@pytest.mark.parametrize(("logprobs", "temperature"), [("rollout", 0.7), ("one", 1.0), (None, 0.7)])
def test_log_probs_of_a_step_are_all_taken_at_one_temperature(models, samples, logprobs, temperature):
    """Of the answers as recorded, of the reader that the ratio looks back to, and of the teacher's views."""
    student, teacher = models
    params = settings(recipe="released", mini_batches=2, temperature=0.7, logprob_temperature=logprobs)
    recipe = resolve(params.train)
    step = score_step(TrainingRun(student, teacher, params.train, recipe), samples, step=0)
    assert recipe.objective.logprob_temperature == temperature
    ids, mask = step.scored.token_ids, step.scored.mask
    with torch.no_grad():
        ours = response_logprobs(student, replay(student, step.prompts, ids, mask), ids, mask, temperature)
        prompts = positive_prompts(teacher, samples)
        theirs = response_logprobs(teacher, replay(teacher, prompts, ids, mask), ids, mask, temperature)
    recorded = [torch.tensor(rollout.logprobs) for rollout in step.rollouts]
    assert torch.allclose(torch.cat(recorded), ours[mask.bool()], atol=1e-4)
    assert torch.allclose(step.scored.old_logprobs, ours, atol=1e-4)
    assert torch.allclose(step.scored.teacher_logprobs, theirs, atol=1e-4)
    assert torch.equal(step.scored.teacher_logprobs, step.views.positive)


def paper_surrogate(step: ScoredStep, current: torch.Tensor) -> torch.Tensor:
    """Eq. 24 as written: mean over rollouts of w * mean over tokens of sg[log ratio] * log-prob."""
    total = torch.zeros(())
    for row in range(len(step.rollouts)):
        length = int(step.scored.mask[row].sum())
        logprob = current[row, :length]
        gap = (logprob - step.scored.teacher_logprobs[row, :length]).detach()
        total = total + step.scored.weights[row] * (gap * logprob).mean()
    return total / len(step.rollouts)


def test_the_paper_recipes_gradient_is_autograd_of_the_papers_surrogate(models, samples):
    student, teacher = models
    params = settings(recipe="paper")
    recipe: Recipe = RECIPES["paper"]
    step = score_step(TrainingRun(student, teacher, params.train, recipe), samples, step=0)
    assert step.scored.weights.std() > 0.1

    def gradients(loss_of) -> dict[str, torch.Tensor]:
        student.network.zero_grad()
        loss_of(replay(student, step.prompts, step.scored.token_ids, step.scored.mask)).backward()
        return {n: p.grad.clone() for n, p in student.network.named_parameters() if p.grad is not None}

    count = torch.tensor(len(step.rollouts))
    ours = gradients(lambda h: rollout_loss(student, teacher, h, step.scored, recipe.objective, count))
    paper = gradients(
        lambda h: paper_surrogate(
            step, response_logprobs(student, h, step.scored.token_ids, step.scored.mask)
        )
    )
    for name, gradient in paper.items():
        assert torch.allclose(ours[name], gradient, atol=1e-5, rtol=1e-3), name


def test_non_finite_gradients_skip_the_update_and_are_counted(models, samples):
    student, _ = models
    params = settings()
    run = run_of(models, params)
    step = score_step(run, samples, step=0)
    step.scored.weights[0] = float("nan")
    before = {name: p.detach().clone() for name, p in student.network.named_parameters()}
    optimizer = torch.optim.AdamW(student.network.parameters(), lr=1e-2)
    result = update(Accelerator(), run, step, optimizer)
    assert result.skipped == 1
    assert largest_difference(before, dict(student.network.named_parameters())) == 0.0
