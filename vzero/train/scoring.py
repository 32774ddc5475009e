"""One step's rollouts and what they are to be learnt from: the teacher's views and the gate, or rewards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from vzero.models.encoding import pad_rows
from vzero.prompts.messages import Prompt
from vzero.rollout.generate import Rollout
from vzero.rollout.replay import replay
from vzero.signals.evidence import Evidence, gate
from vzero.signals.groups import group_normalise
from vzero.train.batches import TrainingSample
from vzero.train.objective import Scored, response_logprobs
from vzero.train.packing import pack
from vzero.train.recipes import Recipe
from vzero.train.rewards import option_reward
from vzero.train.sampling import positive_prompts, prompt_lengths, sample_answers, student_prompts
from vzero.train.training_run import TrainingRun
from vzero.train.views import TeacherViews, teacher_views


@dataclass(frozen=True)
class ScoredStep:
    """A process's share of a step. Rows of the tensors are rollouts, siblings beside each other."""

    samples: list[TrainingSample]
    prompts: list[Prompt]  # the student's, one a sample
    lengths: list[int]  # tokens of the prompts
    rollouts: list[Rollout]
    scored: Scored
    views: TeacherViews | None  # None without a replay
    evidence: Evidence
    rewards: torch.Tensor | None  # (rows,), of recipes that read labels
    seconds: dict[str, float] = field(default_factory=dict)


def score_step(run: TrainingRun, samples: Sequence[TrainingSample], *, step: int) -> ScoredStep:
    """Everything a step needs before the first update."""
    student, teacher, train, recipe = run.student, run.teacher, run.train, run.recipe
    started = time.perf_counter()
    prompts = student_prompts(student, samples)
    rollouts = _answers(run, samples, prompts, step)
    sampled = time.perf_counter()
    token_ids, mask = pad_rows(
        [rollout.token_ids for rollout in rollouts], pad=student.pad_token, device=student.device
    )
    views = None
    if recipe.needs_replay and teacher is not None:
        views = teacher_views(teacher, samples, token_ids, mask, train, recipe)
    rewards = _rewards(samples, rollouts, mask.device) if recipe.needs_labels else None
    evidence = compute_evidence(views, rewards, mask, train.group, recipe)
    lengths = prompt_lengths(student, samples, prompts)
    scored = Scored(
        token_ids,
        mask,
        evidence.weights,
        old_logprobs=_old_logprobs(run, prompts, lengths, token_ids, mask),
        teacher_logprobs=views.positive if views is not None else None,
        teacher_hidden=views.positive_hidden if views is not None else None,
        negative_hidden=views.negative_hidden if views is not None else None,
        advantages=evidence.advantages if rewards is not None else None,
    )
    seconds = {"rollout": sampled - started, "replay": time.perf_counter() - sampled}
    return ScoredStep(list(samples), prompts, lengths, rollouts, scored, views, evidence, rewards, seconds)


def _answers(
    run: TrainingRun, samples: Sequence[TrainingSample], prompts: Sequence[Prompt], step: int
) -> list[Rollout]:
    writer = run.student
    if run.recipe.writer == "teacher" and run.teacher is not None:
        writer, prompts = run.teacher, positive_prompts(run.teacher, samples)
    temperature = run.recipe.objective.logprob_temperature
    return sample_answers(writer, samples, prompts, run.train, step=step, logprob_temperature=temperature)


def compute_evidence(
    views: TeacherViews | None,
    rewards: torch.Tensor | None,
    mask: torch.Tensor,
    group: int,
    recipe: Recipe,
) -> Evidence:
    """The gate over rows whose siblings stand beside each other, or rewards compared among them.

    Scores, advantages and weights are (rows,), the views' log-probs and the mask (rows, tokens), rewards
    (rows,). Without views and rewards, weights of 1.
    """
    groups = torch.arange(mask.shape[0]) // group
    ones = torch.ones(mask.shape[0], device=mask.device)
    if rewards is not None:
        return Evidence(rewards, group_normalise(rewards, groups, **vars(recipe.advantage)), ones)
    if views is None or views.negative is None:
        return Evidence(torch.zeros_like(ones), torch.zeros_like(ones), ones)
    return gate(views.positive, views.negative, mask, groups, recipe.gate)


def _rewards(
    samples: Sequence[TrainingSample], rollouts: Sequence[Rollout], device: torch.device
) -> torch.Tensor:
    """The reward of each rollout, (rows,)."""
    group = len(rollouts) // len(samples)
    asked = [sample for sample in samples for _ in range(group)]
    earned = [
        option_reward(rollout.text, sample.options, sample.answer or "")
        for rollout, sample in zip(rollouts, asked, strict=True)
    ]
    return torch.tensor(earned, device=device)


@torch.no_grad()
def _old_logprobs(
    run: TrainingRun,
    prompts: Sequence[Prompt],
    lengths: Sequence[int],
    token_ids: torch.Tensor,
    mask: torch.Tensor,
) -> torch.Tensor | None:
    """The sampling policy's log-probs (rows, tokens), computed as the update does, before any update.

    None where the first update is the only one, or no ratio to the sampling policy is taken.
    """
    train, objective = run.train, run.recipe.objective
    ratio = objective.divergence in ("k1", "reward") and objective.surrogate == "clipped"
    if train.mini_batches == 1 or not ratio:
        return None
    old = torch.zeros(token_ids.shape, device=token_ids.device)
    for part in pack([length + train.group * token_ids.shape[1] for length in lengths], train.micro_tokens):
        rows = group_rows(part, train.group, token_ids.device)
        hidden = replay(run.student, [prompts[index] for index in part], token_ids[rows], mask[rows])
        old[rows] = response_logprobs(
            run.student, hidden, token_ids[rows], mask[rows], objective.logprob_temperature
        )
    return old


def group_rows(prompts: Sequence[int], group: int, device: torch.device) -> torch.Tensor:
    """Row numbers of some prompts' rollouts, (prompts * group,)."""
    first = torch.tensor(prompts, device=device) * group
    return (first[:, None] + torch.arange(group, device=device)).flatten()
