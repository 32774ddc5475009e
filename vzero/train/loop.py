"""The step loop: rollouts, replay, gate, update. Logs and checkpoints as it goes; can be continued."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import polars as pl
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vzero.config import Train
from vzero.models.loading import LoadedModel
from vzero.paths import Paths
from vzero.train.batches import TrainingSample, load_samples, step_rows
from vzero.train.checkpoint import load_checkpoint, save_checkpoint
from vzero.train.recipes import Recipe
from vzero.train.records import append_log, forget_after, log_row, rollout_rows, write_rollouts
from vzero.train.scoring import score_step
from vzero.train.update import update


def train_student(
    accelerator: Accelerator,
    student: LoadedModel,
    teacher: LoadedModel,
    index: pl.DataFrame,
    paths: Paths,
    run: Path,
    train: Train,
    recipe: Recipe,
) -> int:
    """Train in place for `train.steps` steps, writing under `run`. Returns the step it continued from."""
    optimizer = torch.optim.AdamW(
        [p for p in student.network.parameters() if p.requires_grad],
        lr=train.learning_rate,
        weight_decay=train.weight_decay,
    )
    first = load_checkpoint(run / "checkpoints", student, optimizer)
    if accelerator.is_main_process:
        forget_after(run, first)
    with _progress(accelerator) as progress:
        task = progress.add_task("train", total=train.steps, completed=first, status="")
        for step in range(first, train.steps):
            _set_learning_rate(optimizer, train, step)
            samples = _share(accelerator, index, paths, train, step)
            row = _step(accelerator, student, teacher, samples, optimizer, run, train, recipe, step)
            done = step + 1
            if accelerator.is_main_process and (done % train.checkpoint_every == 0 or done == train.steps):
                save_checkpoint(run / "checkpoints", student, optimizer, step=done)
            accelerator.wait_for_everyone()
            status = f"loss {row['loss']:.3f}  teacher gap {row['teacher_gap']:.2f}" if row else ""
            progress.update(task, advance=1, status=status)
            if not progress.console.is_terminal and done % 10 == 0 and row:
                progress.console.print(f"train step {done}/{train.steps}  {status}")
    return first


def _step(
    accelerator: Accelerator,
    student: LoadedModel,
    teacher: LoadedModel,
    samples: list[TrainingSample],
    optimizer: torch.optim.Optimizer,
    run: Path,
    train: Train,
    recipe: Recipe,
    step: int,
) -> dict[str, Any] | None:
    """One step on this process's prompts; the main process writes and returns the log row."""
    scored = score_step(student, teacher, samples, train, recipe, step=step)
    started = time.perf_counter()
    updated = update(accelerator, student, teacher, scored, optimizer, train, recipe)
    seconds = scored.seconds | {"update": time.perf_counter() - started}
    rows = gather_object(rollout_rows(scored, number=step))
    if not accelerator.is_main_process:
        return None
    write_rollouts(run / "rollouts", rows, number=step)
    rate = optimizer.param_groups[0]["lr"]
    row = log_row(rows, updated, recipe.gate, number=step, seconds=seconds, lr=rate)
    append_log(run / "train_log", row)
    return row


def _share(
    accelerator: Accelerator, index: pl.DataFrame, paths: Paths, train: Train, step: int
) -> list[TrainingSample]:
    """This process's contiguous part of the step's prompts; groups are never split."""
    rows = step_rows(index.height, train.prompts, seed=train.seed, step=step)
    each = train.prompts // accelerator.num_processes
    first = accelerator.process_index * each
    return load_samples(paths, index[rows[first : first + each]])


def _set_learning_rate(optimizer: torch.optim.Optimizer, train: Train, step: int) -> None:
    """Linear warmup, then constant."""
    warm = min(1.0, (step + 1) / train.warmup_steps) if train.warmup_steps else 1.0
    for group in optimizer.param_groups:
        group["lr"] = train.learning_rate * warm


def _progress(accelerator: Accelerator) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[status]}"),
        disable=not accelerator.is_main_process,
    )
