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
from vzero.methods.base import Sample
from vzero.models.loading import LoadedModel
from vzero.models.prompt import prompts_of
from vzero.prompts.views import FULL, NEGATIVE, POSITIVE, View
from vzero.rollout.replay import replay
from vzero.rollout.responses import response_logprobs
from vzero.train.batches import load_samples, training_index
from vzero.train.loss import rollout_loss
from vzero.train.prompts import prepare
from vzero.train.replays import GivenAnswers, own_logprobs
from vzero.train.scoring import ScoredStep, loss_of, score_step
from vzero.train.training_run import TrainingRun, training_run
from vzero.train.update import update

ROLES = (FULL, POSITIVE, NEGATIVE)


@pytest.fixture
def samples(project) -> list[Sample]:
    return load_samples(project, training_index(project, ROLES, labels=True)[[3, 1, 8, 20]])


def run_of(models: Sequence[LoadedModel], params: Params) -> TrainingRun:
    student, teacher = models
    return training_run(student, teacher, params.train)


def scored_by(models: Sequence[LoadedModel], params: Params, samples: Sequence[Sample]) -> ScoredStep:
    run = run_of(models, params)
    return score_step(run, prepare(run, samples), step=0)


def changed(sample: Sample, **views) -> Sample:
    """A sample with other views of some roles."""
    return replace(sample, views={**sample.views, **views})


def updated_weights(models, samples, params: Params) -> dict[str, torch.Tensor]:
    """The student after one step of plain gradient descent, which shows gradients as they are."""
    student, teacher = copy.deepcopy(models[0]), models[1]
    optimizer = torch.optim.SGD(student.network.parameters(), lr=0.1)
    run = run_of((student, teacher), params)
    update(Accelerator(), run, score_step(run, prepare(run, samples), step=0), optimizer)
    return {name: p.detach() for name, p in student.network.named_parameters()}


def largest_difference(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    return max((a[name] - b[name]).abs().max().item() for name in a)


@pytest.mark.parametrize("recipe", ["needle", "released", "paper"])
def test_alpha_zero_is_plain_distillation(models, samples, recipe):
    params = settings(recipe=recipe, method={"gate": {"alpha": 0.0}})
    step = scored_by(models, params, samples)
    # Weights of exactly 1 make the same loss bit for bit; a replay of one view rounds otherwise than of two.
    assert step.scored.weights.tolist() == [1.0] * 12
    gated = updated_weights(models, samples, params)
    plain = updated_weights(models, samples, settings(recipe=recipe, method={"gate": {"enabled": False}}))
    assert largest_difference(gated, plain) < 1e-6
    half = updated_weights(models, samples, settings(recipe=recipe, method={"gate": {"alpha": 0.5}}))
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
    step = scored_by(models, params, samples)
    shuffled = scored_by(models, params, [samples[i] for i in order])
    weights = step.scored.weights.view(4, 3)
    assert torch.allclose(shuffled.scored.weights.view(4, 3), weights[order], atol=1e-4)
    there = updated_weights(models, samples, params)
    back = updated_weights(models, [samples[i] for i in order], params)
    assert largest_difference(there, back) < 1e-5


def test_without_a_negative_crop_the_weight_is_one(models, samples):
    blind = [changed(sample, negative=()) for sample in samples]
    params = settings()
    step = scored_by(models, params, blind)
    assert step.scored.weights.tolist() == [1.0] * 12
    assert torch.equal(step.scored.logprobs[NEGATIVE], step.scored.logprobs[POSITIVE])


def test_several_negatives_are_averaged(models, samples):
    params = settings()
    one, other = samples[0].view(NEGATIVE), samples[1].view(POSITIVE)

    def negative(*views: View) -> torch.Tensor:
        return scored_by(models, params, [changed(samples[0], negative=views)]).scored.logprobs[NEGATIVE]

    assert torch.allclose(negative(one, other), (negative(one) + negative(other)) / 2, atol=1e-5)
    assert not torch.allclose(negative(one), negative(other), atol=1e-3)


def test_the_negative_view_may_show_another_full_image(models, samples):
    params = settings()
    other = samples[1].view(NEGATIVE)
    there = scored_by(models, params, [changed(samples[0], negative=(other,))]).scored
    assert (there.logprobs[POSITIVE] - there.logprobs[NEGATIVE]).abs().max() > 1e-3
    given = GivenAnswers(there.token_ids, there.mask, params.train.micro_tokens, 1.0)
    alone = own_logprobs(models[1], prompts_of(models[1], [other]), given)
    assert torch.allclose(there.logprobs[NEGATIVE], alone, atol=1e-5)


def test_equal_views_are_replayed_once(models, samples, monkeypatch):
    replayed: list[int] = []

    def counted(model, prompts, token_ids, mask):
        replayed.append(len(prompts))
        return replay(model, prompts, token_ids, mask)

    monkeypatch.setattr("vzero.train.replays.replay", counted)
    scored_by(models, settings(), [changed(sample, negative=()) for sample in samples])
    assert sum(replayed) == len(samples)


def test_hidden_states_are_kept_only_for_the_views_that_the_target_is_made_of(models, samples):
    def kept(**changes) -> set[str]:
        return set(scored_by(models, settings(**changes), samples).scored.hidden)

    assert kept(recipe="needle") == {POSITIVE}
    assert kept(recipe="paper") == set()
    assert kept(recipe="paper", method={"target": {"tilt": 1.0}}) == {POSITIVE, NEGATIVE}


def test_rollouts_are_weighed_against_their_siblings_only(models, samples):
    params = settings()
    together = scored_by(models, params, samples)
    alone = scored_by(models, params, samples[1:2])
    assert [r.token_ids for r in together.rollouts[3:6]] == [r.token_ids for r in alone.rollouts]
    assert together.scored.weights[3:6].tolist() == pytest.approx(alone.scored.weights.tolist(), abs=1e-4)


def test_shuffled_weights_are_the_same_weights_and_scores_with_other_answers(models, samples):
    kept = scored_by(models, settings(), samples).credit
    dealt = scored_by(models, settings(method={"gate": {"shuffled": True}}), samples).credit
    assert torch.equal(kept.columns["evidence_score"], dealt.columns["evidence_score"])
    ordered = [each.weights.reshape(4, -1).sort(dim=1).values for each in (kept, dealt)]
    assert torch.equal(*ordered)
    assert not torch.equal(kept.weights, dealt.weights)


@pytest.mark.parametrize(("logprobs", "temperature"), [("rollout", 0.7), ("one", 1.0), (None, 0.7)])
def test_log_probs_of_a_step_are_all_taken_at_one_temperature(models, samples, logprobs, temperature):
    """Of the answers as recorded, of the reader that the ratio looks back to, and of the teacher's views."""
    student, teacher = models
    method = {"logprob_temperature": logprobs}
    params = settings(recipe="released", mini_batches=2, temperature=0.7, method=method)
    step = scored_by(models, params, samples)
    assert params.train.logprob_temperature == temperature
    ids, mask = step.scored.token_ids, step.scored.mask
    with torch.no_grad():
        hidden = replay(student, step.batch.learnt, ids, mask)
        ours = response_logprobs(student, hidden, ids, mask, temperature)
        prompts = prompts_of(teacher, [sample.view(POSITIVE) for sample in samples])
        theirs = response_logprobs(teacher, replay(teacher, prompts, ids, mask), ids, mask, temperature)
    recorded = [torch.tensor(rollout.logprobs) for rollout in step.rollouts]
    assert torch.allclose(torch.cat(recorded), ours[mask.bool()], atol=1e-4)
    assert torch.allclose(step.scored.old_logprobs, ours, atol=1e-4)
    assert torch.allclose(step.scored.logprobs[POSITIVE], theirs, atol=1e-4)


def paper_surrogate(step: ScoredStep, current: torch.Tensor) -> torch.Tensor:
    """Eq. 24 as written: mean over rollouts of w * mean over tokens of sg[log ratio] * log-prob."""
    total = torch.zeros(())
    for row in range(len(step.rollouts)):
        length = int(step.scored.mask[row].sum())
        logprob = current[row, :length]
        gap = (logprob - step.scored.logprobs[POSITIVE][row, :length]).detach()
        total = total + step.scored.weights[row] * (gap * logprob).mean()
    return total / len(step.rollouts)


def test_the_paper_recipes_gradient_is_autograd_of_the_papers_surrogate(models, samples):
    student, teacher = models
    run = run_of(models, settings(recipe="paper"))
    step = score_step(run, prepare(run, samples), step=0)
    assert step.scored.weights.std() > 0.1

    def gradients(loss_of) -> dict[str, torch.Tensor]:
        student.network.zero_grad()
        loss_of(replay(student, step.batch.learnt, step.scored.token_ids, step.scored.mask)).backward()
        return {n: p.grad.clone() for n, p in student.network.named_parameters() if p.grad is not None}

    totals, loss = {"sequence_mean": torch.tensor(len(step.rollouts))}, loss_of(run)
    ours = gradients(lambda h: rollout_loss(student, teacher, h, step.scored, loss, totals))
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
    step = score_step(run, prepare(run, samples), step=0)
    step.scored.weights[0] = float("nan")
    before = {name: p.detach().clone() for name, p in student.network.named_parameters()}
    optimizer = torch.optim.AdamW(student.network.parameters(), lr=1e-2)
    result = update(Accelerator(), run, step, optimizer)
    assert result.skipped == 1
    assert largest_difference(before, dict(student.network.named_parameters())) == 0.0
