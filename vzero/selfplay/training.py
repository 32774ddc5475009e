"""Train a role: the step loop on images or written questions, and all it made into one folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from vzero.config import Params, decisive
from vzero.errors import ConfigError
from vzero.launched import this_process
from vzero.methods.base import Method, Sample
from vzero.models.saving import save_like, weight_files
from vzero.paths import Paths
from vzero.runs import check_inputs, publish, publishing, run_folder
from vzero.selfplay.chain import MODEL, SUMMARY, Tables
from vzero.shards import atomic_folder, listing_hash, read, shard_path, sync_folder, write_json, write_table
from vzero.tables import LeftOut, TrainLog
from vzero.train.checkpoint import load_weights
from vzero.train.collapse import TrainingCollapsed
from vzero.train.costs import totals
from vzero.train.left_out import counts_by_code, left_out
from vzero.train.loop import train_student
from vzero.train.session import (
    announce,
    check_processes,
    loaded_run,
    own_rows,
    shared,
    trackers_of,
)
from vzero.train.teacher import load_student


@dataclass(frozen=True)
class Lessons:
    """What a role learns from, and where it goes."""

    name: str
    """Of the stage and iteration, such as questioner-1."""
    code: str
    """The stage's module."""
    folders: Mapping[str, Path]
    """Of `student`, which learns, `teacher`, which votes, and `reference`."""
    data: Sequence[Path]
    """What samples are made of."""
    index: pl.DataFrame
    """A row a sample, with a column `sample_id`."""
    sized: Callable[[dict[str, Any]], Sample]
    """A row's sample with the sizes of its pictures and no data."""
    load: Callable[[pl.DataFrame], list[Sample]]
    target: Path
    timings: Path
    tables: Tables = field(default_factory=dict)
    """Further ones that go beside the model."""


def learn(params: Params, paths: Paths, method: Method[Any], lessons: Lessons) -> dict[str, Any]:
    """Train as `params.train` says, going on from the last checkpoint of an interrupted run.

    A collapse that is to stop training ends it cleanly: what was learnt until then is kept, and the summary
    has the signs as `stopped`.
    """
    accelerator = this_process()
    set_seed(params.train.seed)
    section = f"selfplay.{lessons.name.partition('-')[0]}"
    check_processes(accelerator, params.train, section)
    weight_files(lessons.folders["student"])  # what cannot be saved is not trained
    inputs = [*lessons.data, *dict.fromkeys(lessons.folders.values())]
    seen = listing_hash(inputs)
    training = loaded_run(accelerator, params, lessons.folders, paths, method)
    unusable = left_out(lessons.index, training, lessons.sized)
    index = lessons.index.join(unusable, on="sample_id", how="anti", maintain_order="left")
    if index.height < params.train.prompts:
        raise ConfigError(
            f"{section}.prompts ({params.train.prompts}) is more than there are samples "
            f"({index.height}; {unusable.height} are left out)"
        )
    # What makes and chooses the samples decides the run as much as how they are learnt from.
    chosen = params.selfplay.model_dump(mode="json", include={"voting", "keep", "reward", "windows"})
    config = {
        "models": params.models.model_dump(mode="json"),
        "rollout": decisive(params.rollout),
        "train": decisive(params.train),
        "selfplay": chosen,
    }
    run = run_folder(paths.scratch, lessons.name, code=lessons.code, config=config, inputs=inputs, seen=seen)
    summary: dict[str, Any] = {"samples": index.height, "left_out": counts_by_code(unusable), "stopped": None}
    batch = partial(_batch, accelerator, index, lessons, params)
    with shared(run) as folder:
        announce(accelerator, folder, params.train)
        try:
            trackers = trackers_of(accelerator, params.train, folder, paths)
            train_student(accelerator, training, batch, folder, trackers)
        except TrainingCollapsed as collapse:
            summary["stopped"] = str(collapse)
        if accelerator.is_main_process:
            log = read(folder / "train_log", TrainLog)
            summary |= {"steps": log.height, **totals(log)}
            _publish(params, folder, lessons, unusable, summary)
        accelerator.wait_for_everyone()
        accelerator.end_training()
    return summary


def _batch(
    accelerator: Accelerator, index: pl.DataFrame, lessons: Lessons, params: Params, step: int
) -> list[Sample]:
    return lessons.load(index[own_rows(accelerator, index.height, params.train, step)])


def _publish(
    params: Params, folder: Path, lessons: Lessons, unusable: pl.DataFrame, summary: dict[str, Any]
) -> None:
    student = load_student(lessons.folders["student"], params, torch.device("cpu"))
    load_weights(folder / "checkpoints", student)
    with publishing(folder), atomic_folder(lessons.target) as made:
        (made / MODEL).mkdir()
        save_like(student, lessons.folders["student"], made / MODEL, precision=params.train.save_precision)
        check_inputs(folder)
        for name in ("rollouts", "train_log"):
            publish(folder / name, made / name)
        for name, (table, schema) in {"left_out": (unusable, LeftOut), **lessons.tables}.items():
            write_table(shard_path(made / name, 0), table, schema)
        write_json(made / SUMMARY, summary)
        sync_folder(made)
        publish(folder / "timings", lessons.timings)
