"""The step loop: rollouts, what they are learnt from, update. Logs and checkpoints; can be continued."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vzero.config import Train
from vzero.errors import ChangedError
from vzero.models.loading import LoadedModel
from vzero.models.offloading import park, resident
from vzero.paths import Paths
from vzero.runs import check_inputs
from vzero.train.batches import TrainingSample, load_samples, step_rows
from vzero.train.checkpoint import load_checkpoint, save_checkpoint
from vzero.train.collapse import TrainingCollapsed, collapse_signs
from vzero.train.records import (
    append_log,
    append_timings,
    forget_after,
    log_row,
    rollout_rows,
    write_rollouts,
)
from vzero.train.scoring import score_step
from vzero.train.sharding import gather
from vzero.train.teacher import average, weights_of
from vzero.train.training_run import TrainingRun
from vzero.train.update import update


def train_student(
    accelerator: Accelerator, run: TrainingRun, index: pl.DataFrame, paths: Paths, folder: Path
) -> int:
    """Train in place for `train.steps` steps, writing under `folder`. Returns the step it continued from.

    Raises TrainingCollapsed when `train.on_collapse` asks for it; a checkpoint of that step is there.
    """
    student, teacher, train = run.student, run.teacher, run.train
    optimizer = torch.optim.AdamW(
        [p for p in student.network.parameters() if p.requires_grad],
        lr=train.learning_rate,
        weight_decay=train.weight_decay,
    )
    moving = teacher is not None and train.teacher.kind == "ema"
    extra = {"teacher": weights_of(teacher)} if teacher is not None and moving else {}
    first = load_checkpoint(folder / "checkpoints", student, optimizer, extra=extra)
    if teacher is not None and train.teacher.offload:
        park(teacher)
    if accelerator.is_main_process:
        forget_after(folder, first)
    warned: set[str] = set()
    with _progress(accelerator) as progress:
        task = progress.add_task("train", total=train.steps, completed=first, status="")
        for step in range(first, train.steps):
            _set_learning_rate(optimizer, train, step)
            samples = _share(accelerator, index, paths, train, step)
            log = _step(accelerator, run, samples, optimizer, folder, step)
            if teacher is not None and moving:
                average(teacher, student, decay=train.teacher.decay)
            done = step + 1
            signs = _broadcast(accelerator, collapse_signs(log) if log is not None else [])
            stopping = bool(signs) and train.on_collapse == "stop"
            if done % train.checkpoint_every == 0 or done == train.steps or stopping:
                _checkpoint(accelerator, folder, student, optimizer, extra, done)
            if stopping:
                raise TrainingCollapsed(_advice(signs, done))
            _report(progress, task, done, train, log, [sign for sign in signs if sign not in warned])
            warned.update(signs)
    return first


def _step(
    accelerator: Accelerator,
    run: TrainingRun,
    samples: list[TrainingSample],
    optimizer: torch.optim.Optimizer,
    folder: Path,
    step: int,
) -> pl.DataFrame | None:
    """One step on this process's prompts; the main process writes it down and returns the log so far."""
    gather(run.student)
    with _present(run):
        scored = score_step(run, samples, step=step)
    started = time.perf_counter()
    updated = update(accelerator, run, scored, optimizer)
    seconds = scored.seconds | {"update": time.perf_counter() - started}
    rows = gather_object(rollout_rows(scored, run.recipe, number=step))
    if not accelerator.is_main_process:
        return None
    write_rollouts(folder / "rollouts", rows, number=step)
    append_timings(folder / "timings", seconds, number=step)
    rate = optimizer.param_groups[0]["lr"]
    return append_log(folder / "train_log", log_row(rows, updated, run.recipe.gate, number=step, lr=rate))


def _present(run: TrainingRun) -> contextlib.AbstractContextManager[None]:
    """The teacher is where it can compute."""
    if run.teacher is None or not run.train.teacher.offload:
        return contextlib.nullcontext()
    return resident(run.teacher, run.student.device)


def _share(
    accelerator: Accelerator, index: pl.DataFrame, paths: Paths, train: Train, step: int
) -> list[TrainingSample]:
    """This process's part of every mini-batch in turn, so that each holds what one process would have."""
    rows = step_rows(index.height, train.prompts, seed=train.seed, step=step)
    parts = np.reshape(rows, (train.mini_batches, accelerator.num_processes, -1))
    return load_samples(paths, index[parts[:, accelerator.process_index].flatten()])


def _set_learning_rate(optimizer: torch.optim.Optimizer, train: Train, step: int) -> None:
    """Linear warmup, then constant."""
    warm = min(1.0, (step + 1) / train.warmup_steps) if train.warmup_steps else 1.0
    for group in optimizer.param_groups:
        group["lr"] = train.learning_rate * warm


def _broadcast(accelerator: Accelerator, signs: list[str]) -> list[str]:
    """What the main process found; all processes stop together."""
    return gather_object([signs])[0]


def _checkpoint(
    accelerator: Accelerator,
    folder: Path,
    student: LoadedModel,
    optimizer: torch.optim.Optimizer,
    extra: Mapping[str, Mapping[str, torch.Tensor]],
    done: int,
) -> None:
    write = accelerator.is_main_process
    # What a checkpoint holds was learnt from the inputs that name its run.
    if problems := _broadcast(accelerator, _input_problems(folder) if write else []):
        raise ChangedError(problems[0])
    save_checkpoint(folder / "checkpoints", student, optimizer, step=done, extra=extra, write=write)
    accelerator.wait_for_everyone()


def _input_problems(folder: Path) -> list[str]:
    try:
        check_inputs(folder)
    except ChangedError as error:
        return [str(error)]
    return []


def _advice(signs: list[str], done: int) -> str:
    return (
        f"training collapsed at step {done}: {'; '.join(signs)}. "
        "To go on from there all the same, set train.on_collapse to warn and run the command again"
    )


def _report(
    progress: Progress, task: Any, done: int, train: Train, log: pl.DataFrame | None, signs: list[str]
) -> None:
    if log is None:
        return
    last = log.sort("step").row(-1, named=True)
    status = f"loss {last['loss']:.3f}"
    for name, words in (("teacher_gap", "teacher gap"), ("reward", "reward")):
        if last[name] is not None:
            status += f"  {words} {last[name]:.2f}"
    progress.update(task, advance=1, status=status)
    for sign in signs:
        progress.console.print(f"train step {done}/{train.steps}: warning: {sign}")
    if not progress.console.is_terminal and done % 10 == 0:
        progress.console.print(f"train step {done}/{train.steps}  {status}")


def _progress(accelerator: Accelerator) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[status]}"),
        disable=not accelerator.is_main_process,
    )
