"""The optimizer's part of a step: mini-batches of whole groups, micro-batches that add up exactly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from accelerate import Accelerator

from vzero.rollout.replay import replay
from vzero.signals.aggregation import denominator
from vzero.train.gradients import summed_gradient_norm
from vzero.train.objective import rollout_loss
from vzero.train.packing import pack
from vzero.train.scoring import ScoredStep, group_rows
from vzero.train.sharding import gather
from vzero.train.training_run import TrainingRun


@dataclass(frozen=True)
class Updated:
    loss: float  # mean over mini-batches
    grad_norm: float  # mean over mini-batches, before clipping
    skipped: int  # updates left out because a gradient was not finite


def update(
    accelerator: Accelerator, run: TrainingRun, step: ScoredStep, optimizer: torch.optim.Optimizer
) -> Updated:
    """Run every mini-batch of this process's share; gradients are summed over processes."""
    prompts = len(step.prompts) // run.train.mini_batches
    losses, norms, skipped = [], [], 0
    for start in range(0, len(step.prompts), prompts):
        gather(run.student)
        loss = _accumulate(accelerator, run, step, range(start, start + prompts))
        norm = summed_gradient_norm(accelerator, run.student, run.train.max_grad_norm)
        if torch.isfinite(norm):
            optimizer.step()
        else:
            skipped += 1
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss)
        norms.append(norm)
    return Updated(torch.stack(losses).mean().item(), torch.stack(norms).nan_to_num().mean().item(), skipped)


def _accumulate(accelerator: Accelerator, run: TrainingRun, step: ScoredStep, prompts: range) -> torch.Tensor:
    """Gradients of one mini-batch; returns its loss over all processes, ()."""
    student, train, objective = run.student, run.train, run.recipe.objective
    rows = slice(prompts.start * train.group, prompts.stop * train.group)
    mask = step.scored.mask[rows]
    share = denominator(objective.aggregation, mask, length=train.max_new_tokens)
    total = _summed(accelerator, share)
    loss = torch.zeros((), device=student.device)
    answers = mask.sum(dim=1).view(-1, train.group).amax(dim=1).tolist()
    lengths = [step.lengths[prompt] + train.group * n for prompt, n in zip(prompts, answers, strict=True)]
    for part in pack(lengths, train.micro_tokens):
        chosen = [prompts[index] for index in part]
        scored = step.scored.select(group_rows(chosen, train.group, mask.device))
        hidden = replay(student, [step.prompts[i] for i in chosen], scored.token_ids, scored.mask)
        part_loss = rollout_loss(student, run.teacher, hidden, scored, objective, total)
        part_loss.backward()
        loss += part_loss.detach()
    return _summed(accelerator, loss)


def _summed(accelerator: Accelerator, value: torch.Tensor) -> torch.Tensor:
    """The sum over all processes."""
    total = accelerator.reduce(value, reduction="sum")
    assert isinstance(total, torch.Tensor)
    return total
