"""Ours: every call that the benchmarks make to the engine under measurement."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import torch
from accelerate import Accelerator

from bench.engine.settings import Setting
from vzero.methods.base import Credit
from vzero.models.encoding import pad_rows
from vzero.prompts.views import POSITIVE
from vzero.rollout.generate import generate
from vzero.rollout.replay import replay
from vzero.rollout.sampling import Sampling
from vzero.train.loss import Scored
from vzero.train.prompts import prepare
from vzero.train.scoring import ScoredStep, score_step
from vzero.train.training_run import TrainingRun, training_run
from vzero.train.update import update

GATED: dict[str, Any] = {"recipe": "needle"}
# What TRL's trainer has too: one teacher view, no gate, Jensen-Shannon over the whole vocabulary.
UNGATED: dict[str, Any] = {
    "recipe": "opd",
    "method": {"divergence": {"kind": "jsd", "aggregation": "token_mean"}},
}


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
    run = run_of(setting, GATED)

    def step() -> object:
        scored = score_step(run, prepare(run, setting.samples), step=next(numbers))
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
    weights = torch.ones(len(mask), device=mask.device)
    credit = Credit(weights, weights.bool())
    scored = Scored(token_ids, mask, weights, credit.counted, hidden={POSITIVE: hidden})
    batch = prepare(run_of(setting, UNGATED), setting.samples)
    return ScoredStep(batch, [], scored, credit)


def random_teacher_hidden(setting: Setting) -> torch.Tensor:
    """What the teacher might have said about the setting's answers, for passes that do not ask it."""
    width = setting.teacher.network.config.get_text_config().hidden_size
    return torch.randn(*setting.mask.shape, width, generator=torch.Generator().manual_seed(0))


def run_of(setting: Setting, method: dict[str, Any]) -> TrainingRun:
    return training_run(setting.student, setting.teacher, setting.train_with(method))


def optimizer_of(setting: Setting) -> torch.optim.Optimizer:
    train = setting.train
    return torch.optim.AdamW(
        setting.student.network.parameters(), lr=train.learning_rate, weight_decay=train.weight_decay
    )
