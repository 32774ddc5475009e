"""Ours: every call that the benchmarks make to the engine under measurement."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import torch
from accelerate import Accelerator

from bench.engine.settings import Setting
from vzero.models.encoding import pad_rows
from vzero.rollout.generate import Sampling, generate
from vzero.rollout.replay import replay
from vzero.train.objective import Scored
from vzero.train.recipes import RECIPES, Gate, Objective, Recipe
from vzero.train.sampling import prompt_lengths
from vzero.train.scoring import ScoredStep, compute_evidence, score_step
from vzero.train.training_run import TrainingRun
from vzero.train.update import update

# What TRL's trainer has too: one teacher view, no gate, Jensen-Shannon over the whole vocabulary.
UNGATED = Recipe(Gate(enabled=False), Objective("jsd", "token_mean", jsd_beta=0.5))


@torch.no_grad()
def replay_views(setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
    """The teacher's hidden states at the answers, with the right crop and with the wrong one."""
    views = replay(
        setting.teacher,
        setting.positive_prompts + setting.negative_prompts,
        setting.token_ids.repeat(2, 1),
        setting.mask.repeat(2, 1),
    )
    right, wrong = views.chunk(2)
    return right, wrong


def stepper(setting: Setting) -> Callable[[], object]:
    """A whole training step as `vzero train` takes it: rollouts, two views, gate, update."""
    accelerator, optimizer, numbers = Accelerator(cpu=True), optimizer_of(setting), count()
    run = run_of(setting, RECIPES["needle"])

    def step() -> object:
        scored = score_step(run, setting.samples, step=next(numbers))
        return update(accelerator, run, scored, optimizer)

    return step


def ungated_stepper(setting: Setting) -> Callable[[], object]:
    """A step of plain distillation: the teacher sees what the student sees."""
    accelerator, optimizer, seeds = Accelerator(cpu=True), optimizer_of(setting), count()

    def step() -> object:
        prompts = setting.student_prompts
        sampling = Sampling(1.0, max_new_tokens=setting.token_ids.shape[1])
        groups = generate(setting.student, prompts, sampling, group=setting.group, seed=next(seeds))
        rows = [rollout.token_ids for siblings in groups for rollout in siblings]
        token_ids, mask = pad_rows(rows, pad=setting.student.pad_token, device=setting.student.device)
        with torch.no_grad():
            hidden = replay(setting.teacher, prompts, token_ids, mask)
        scored = unweighted(setting, token_ids, mask, hidden)
        return update(accelerator, run_of(setting, UNGATED), scored, optimizer)

    return step


def updater(setting: Setting) -> Callable[[], object]:
    """The training pass on the setting's answers, and the optimizer's step."""
    accelerator, optimizer = Accelerator(cpu=True), optimizer_of(setting)
    scored = unweighted(setting, setting.token_ids, setting.mask, random_teacher_hidden(setting))
    return lambda: update(accelerator, run_of(setting, UNGATED), scored, optimizer)


def unweighted(
    setting: Setting, token_ids: torch.Tensor, mask: torch.Tensor, hidden: torch.Tensor
) -> ScoredStep:
    """Answers with the teacher's hidden states, every answer counting 1."""
    prompts = setting.student_prompts
    evidence = compute_evidence(None, None, mask, setting.group, UNGATED)
    return ScoredStep(
        samples=setting.samples,
        prompts=prompts,
        lengths=prompt_lengths(setting.student, setting.samples, prompts),
        rollouts=[],
        scored=Scored(token_ids, mask, weights=evidence.weights, teacher_hidden=hidden),
        views=None,
        evidence=evidence,
        rewards=None,
    )


def random_teacher_hidden(setting: Setting) -> torch.Tensor:
    """What the teacher might have said about the setting's answers, for passes that do not ask it."""
    width = setting.teacher.network.config.get_text_config().hidden_size
    return torch.randn(*setting.mask.shape, width, generator=torch.Generator().manual_seed(0))


def run_of(setting: Setting, recipe: Recipe) -> TrainingRun:
    return TrainingRun(setting.student, setting.teacher, setting.train, recipe)


def optimizer_of(setting: Setting) -> torch.optim.Optimizer:
    train = setting.train
    return torch.optim.AdamW(
        setting.student.network.parameters(), lr=train.learning_rate, weight_decay=train.weight_decay
    )
