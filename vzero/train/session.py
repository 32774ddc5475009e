"""What every stage that trains does around the step loop: processes, models, rows, the run's folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from vzero.config import Params, Train, decisive, dotted
from vzero.errors import ConfigError
from vzero.launched import once
from vzero.methods import method_of
from vzero.methods.base import Method
from vzero.models.linear_attention import WITHOUT_KERNELS, fast_kernels
from vzero.models.recompute import recompute_layers
from vzero.paths import Paths
from vzero.rollout.samplers import Samplers
from vzero.train.batches import step_rows
from vzero.train.checkpoint import last_checkpoint
from vzero.train.lockstep import shard_frozen
from vzero.train.memory import memory_of, teacher_is_sliced
from vzero.train.sharding import shard, sharding_wanted
from vzero.train.teacher import load_reference, load_student, load_teacher
from vzero.train.trackers import Trackers
from vzero.train.training_run import TrainingRun, training_run


def check_processes(accelerator: Accelerator, train: Train, section: str) -> None:
    """Raises ConfigError, in the words of the params' section that the settings are from."""
    prompts, processes = train.prompts, accelerator.num_processes
    if prompts % (processes * train.mini_batches):
        raise ConfigError(
            f"{section}.prompts ({prompts}) must be a multiple of processes ({processes}) times "
            f"{section}.mini_batches ({train.mini_batches}): groups stay whole on a process"
        )


@contextlib.contextmanager
def shared(run: contextlib.AbstractContextManager[Path]) -> Iterator[Path]:
    """The run's folder for all processes, or the same error.

    One process looks for it and holds it: that reads every input and clears what killed runs have left.
    """
    with contextlib.ExitStack() as stack:
        yield once(lambda: stack.enter_context(run))


def loaded_run(
    accelerator: Accelerator,
    params: Params,
    folders: Mapping[str, Path],
    paths: Paths,
    method: Method[Any] | None = None,
) -> TrainingRun:
    """The models that the method needs, where they compute, and who answers for them.

    `folders`: of `student` and `teacher`, and of `reference` where that is not the student's.
    """
    method = method or method_of(params.train.method)
    _require_room(accelerator, params, folders, method)
    student = load_student(folders["student"], params, accelerator.device)
    if accelerator.device.type == "cuda" and student.has_linear_attention and not fast_kernels():
        accelerator.print(f"train: {WITHOUT_KERNELS}")
    sharded = sharding_wanted()
    frozen = "cpu" if sharded else str(accelerator.device)
    teacher = None
    if params.train.method.teacher != "none":
        device = frozen if teacher_is_sliced(params.train, method) else str(accelerator.device)
        teacher = load_teacher(student, folders, params, device=device)
    reference = load_reference(teacher, folders.get("reference", folders["student"]), params, device=frozen)
    if params.train.gradient_checkpointing:
        recompute_layers(student)
    if sharded:
        shard(accelerator, student)
        if teacher is not None and teacher_is_sliced(params.train, method):
            shard_frozen(accelerator, teacher)
        if reference is not None and reference is not teacher:
            shard_frozen(accelerator, reference)
    run = training_run(student, teacher, params.train, reference, method)
    if params.rollout.sampler.kind == "server":
        accelerator.print(f"train: answers come from {', '.join(params.rollout.sampler.urls)}")
        return _answered_by_servers(run, params, folders, paths)
    return run


def _answered_by_servers(
    run: TrainingRun, params: Params, folders: Mapping[str, Path], paths: Paths
) -> TrainingRun:
    settings = params.rollout.sampler
    samplers = Samplers(settings, params.models, paths)
    sampler, voter = samplers.of_learning(run.student), None
    if run.teacher is not None and run.writer is run.teacher:
        sampler = samplers.of_frozen(run.teacher, folders["teacher"])
    if run.teacher is not None and run.voter is not None:
        voter = samplers.of_frozen(run.teacher, folders["teacher"])
    bounds = {"max_mismatch": settings.bound(params.models.precision), "max_ratio": settings.max_ratio}
    return replace(run, sampler=sampler, voter=voter, **bounds)


def _require_room(
    accelerator: Accelerator, params: Params, folders: Mapping[str, Path], method: Method[Any]
) -> None:
    """Raises ConfigError, before anything is loaded, for models that a GPU cannot hold."""
    if accelerator.device.type != "cuda":
        return
    models = params.models.model_copy(
        update={name: folder for name, folder in folders.items() if name != "reference"}
    )
    held = memory_of(
        params.train, method, models, processes=accelerator.num_processes, sharded=sharding_wanted()
    )
    held.require(torch.cuda.get_device_properties(accelerator.device).total_memory)


def own_rows(accelerator: Accelerator, count: int, train: Train, step: int) -> list[int]:
    """This process's part of every mini-batch in turn, so that each holds what one process would have."""
    rows = step_rows(count, train.prompts, seed=train.seed, step=step)
    parts = np.reshape(rows, (train.mini_batches, accelerator.num_processes, -1))
    return parts[:, accelerator.process_index].flatten().tolist()


def announce(accelerator: Accelerator, folder: Path, train: Train) -> None:
    found = last_checkpoint(folder / "checkpoints", steps=train.steps)
    start = f"continuing from {found.name}" if found else "starting"
    accelerator.print(f"train: {start}; {_settings_of(train)}")


def trackers_of(accelerator: Accelerator, train: Train, run: Path, paths: Paths) -> Trackers:
    """Of the main process; the others show nothing."""
    names = train.trackers if accelerator.is_main_process else ()
    return Trackers(names, run, paths.scratch, dotted(decisive(train)))


def _settings_of(train: Train) -> str:
    """The method's settings on one line."""
    settings = dotted(train.method.model_dump(mode="json"))
    return ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)
