"""The optimizer's part of a step: mini-batches of whole groups, micro-batches that add up exactly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from accelerate import Accelerator

from vzero.config import Train
from vzero.models.loading import LoadedModel
from vzero.rollout.packing import pack
from vzero.rollout.replay import replay
from vzero.signals.aggregation import denominator
from vzero.train.gradients import summed_gradient_norm
from vzero.train.loss import Loss, Part
from vzero.train.replays import group_rows
from vzero.train.scoring import ScoredStep, loss_of
from vzero.train.sharding import gather
from vzero.train.training_run import TrainingRun


@dataclass(frozen=True)
class Updated:
    loss: float  # mean over mini-batches
    grad_norm: float  # mean over mini-batches, before clipping
    skipped: int  # updates left out because a gradient was not finite
    clipped: float | None  # share of counted tokens whose ratio was clipped; None where none is taken


def optimizer_of(student: LoadedModel, train: Train, *, fused: bool) -> torch.optim.Optimizer:
    """AdamW on what of the student learns. `fused`: in one kernel, which holds no copy of the weights.

    On a CPU a fused step differs in the last digits from the plain one, which all figures there are of.
    """
    weights = [weight for weight in student.network.parameters() if weight.requires_grad]
    return torch.optim.AdamW(
        weights, lr=train.learning_rate, weight_decay=train.weight_decay, fused=fused or None
    )


def update(
    accelerator: Accelerator, run: TrainingRun, step: ScoredStep, optimizer: torch.optim.Optimizer
) -> Updated:
    """Run every mini-batch of this process's share; gradients are summed over processes."""
    tasks = len(step.batch.tasks) // run.train.mini_batches
    losses, norms, skipped = [], [], 0
    clipped: list[torch.Tensor] = []
    for start in range(0, len(step.batch.tasks), tasks):
        gather(run.student)
        loss, beyond = _accumulate(accelerator, run, step, range(start, start + tasks))
        norm = summed_gradient_norm(accelerator, run.student, run.train.max_grad_norm)
        if torch.isfinite(norm):
            optimizer.step()
        else:
            skipped += 1
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss)
        norms.append(norm)
        clipped += [] if beyond is None else [beyond]
    tokens = _summed(accelerator, step.scored.valid.sum()).clamp_min(1)
    return Updated(
        torch.stack(losses).mean().item(),
        torch.stack(norms).nan_to_num().mean().item(),
        skipped,
        (torch.stack(clipped).sum() / tokens).item() if clipped else None,
    )


def _accumulate(
    accelerator: Accelerator, run: TrainingRun, step: ScoredStep, tasks: range
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Gradients of one mini-batch; returns its loss and its clipped tokens over all processes, () each."""
    student, train, loss = run.student, run.train, loss_of(run)
    rows = slice(tasks.start * train.group, tasks.stop * train.group)
    totals = _totals(accelerator, loss, step.scored.valid[rows], train.max_new_tokens)
    summed, clipped = (torch.zeros((), device=student.device) for _ in range(2))
    compared = step.scored.old_logprobs is not None and step.scored.advantages is not None
    mask = step.scored.mask[rows]
    answers = mask.sum(dim=1).view(-1, train.group).amax(dim=1).tolist()
    prompts = step.batch.learnt
    lengths = [len(prompts[task].token_ids) + train.group * n for task, n in zip(tasks, answers, strict=True)]
    for part in pack(lengths, train.micro_tokens):
        chosen = [tasks[index] for index in part]
        scored = step.scored.select(group_rows(chosen, train.group, mask.device))
        hidden = replay(student, [prompts[task] for task in chosen], scored.token_ids, scored.mask)
        learning = Part(student, run.teacher, hidden, scored, loss)
        share = learning.share(totals)
        if compared:
            clipped += learning.clipped()
        share.backward()
        summed += share.detach()
    return _summed(accelerator, summed), _summed(accelerator, clipped) if compared else None


def _totals(
    accelerator: Accelerator, loss: Loss, valid: torch.Tensor, length: int
) -> dict[str, torch.Tensor]:
    """What a mini-batch's terms are divided by, () each, by aggregation; at least 1, where nothing is
    counted."""
    shares = {term.aggregation: denominator(term.aggregation, valid, length=length) for term in loss.terms}
    return {name: _summed(accelerator, share).clamp_min(1) for name, share in shares.items()}


def _summed(accelerator: Accelerator, value: torch.Tensor) -> torch.Tensor:
    """The sum over all processes."""
    total = accelerator.reduce(value, reduction="sum")
    assert isinstance(total, torch.Tensor)
    return total
