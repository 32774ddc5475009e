"""The step loop: rollouts, what they are learnt from, update. Logs and checkpoints; can be continued."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vzero.config import Train
from vzero.errors import ChangedError, SamplerError
from vzero.methods.base import Sample
from vzero.models.loading import LoadedModel
from vzero.models.offloading import park, resident
from vzero.runs import check_inputs
from vzero.train.checkpoint import load_checkpoint, save_checkpoint
from vzero.train.collapse import TrainingCollapsed, collapse_signs
from vzero.train.costs import Meter, amounts, summed
from vzero.train.prompts import Batch, prepare, prepared_ahead
from vzero.train.records import (
    agreement,
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
from vzero.train.trackers import Trackers
from vzero.train.training_run import TrainingRun
from vzero.train.update import optimizer_of, update


def train_student(
    accelerator: Accelerator,
    run: TrainingRun,
    batch: Callable[[int], list[Sample]],
    folder: Path,
    trackers: Trackers,
) -> int:
    """Train in place for `train.steps` steps, writing under `folder`. Returns the step it continued from.

    `batch` gives this process's samples of any step; another thread asks for them. Raises TrainingCollapsed
    when `train.on_collapse` asks for it; a checkpoint of that step is there.
    """
    student, teacher, train = run.student, run.teacher, run.train
    optimizer = optimizer_of(student, train, fused=student.device.type == "cuda")
    moving = teacher is not None and train.teacher.kind == "ema"
    extra = {"teacher": weights_of(teacher)} if teacher is not None and moving else {}
    first = load_checkpoint(folder / "checkpoints", student, optimizer, steps=train.steps, extra=extra)
    for model in run.offloaded:
        park(model)
    if accelerator.is_main_process:
        forget_after(folder, first)
    warned: set[str] = set()
    steps = range(first, train.steps)
    ahead = prepared_ahead(lambda step, pool: prepare(run, batch(step), pool), steps)
    following = trackers.following(first) if steps else contextlib.nullcontext()
    with following, _progress(accelerator) as progress, ahead as batches:
        task = progress.add_task("train", total=train.steps, completed=first, status="")
        for step, prepared in zip(steps, batches, strict=True):
            _set_learning_rate(optimizer, train, step)
            try:
                log = _step(accelerator, run, prepared, optimizer, folder, step)
            except SamplerError:
                # Before the update, on all processes: what was learnt until then is kept.
                if step > first:
                    _checkpoint(accelerator, folder, student, optimizer, extra, step)
                raise
            trackers.log(step)
            if teacher is not None and moving:
                average(teacher, student, decay=train.teacher.decay)
            done = step + 1
            signs = _broadcast(accelerator, collapse_signs(log) if log is not None else [])
            stopping = bool(signs) and train.on_collapse == "stop"
            if done % train.checkpoint_every == 0 or done == train.steps or stopping:
                trackers.show(step, prepared.tasks)
                _checkpoint(accelerator, folder, student, optimizer, extra, done)
            if stopping:
                raise TrainingCollapsed(_advice(signs, done))
            _report(progress, task, done, train, log, [sign for sign in signs if sign not in warned])
            warned.update(signs)
    return first


def _step(
    accelerator: Accelerator,
    run: TrainingRun,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    folder: Path,
    step: int,
) -> pl.DataFrame | None:
    """One step on this process's tasks; the main process writes it down and returns the log so far."""
    gather(run.student)
    with contextlib.ExitStack() as present:
        for model in run.offloaded:
            present.enter_context(resident(model, run.student.device))
        run.sampler.follow(run.writer)
        scored = score_step(run, batch, step=step)
    meter = Meter(run)
    updated = update(accelerator, run, scored, optimizer)
    costs = {**scored.costs, "update": meter.read()}
    rows = gather_object(rollout_rows(scored, run.method, number=step))
    labels = run.train.method.labels
    used = summed(gather_object([amounts(costs, batch.tasks, labels=labels)]))
    if not accelerator.is_main_process:
        return None
    write_rollouts(folder / "rollouts", rows, number=step)
    append_timings(folder / "timings", costs, number=step)
    rate = optimizer.param_groups[0]["lr"]
    row = log_row(rows, updated, run.method, number=step, lr=rate) | agreement(scored.mismatch) | used
    return append_log(folder / "train_log", row)


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
    # What a checkpoint holds was learnt from the inputs that name its run.
    if problems := _broadcast(accelerator, _input_problems(folder) if accelerator.is_main_process else []):
        raise ChangedError(problems[0])
    save_checkpoint(folder / "checkpoints", student, optimizer, step=done, extra=extra)


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
