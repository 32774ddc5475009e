"""Stage `train`: let the student learn, by default from the teacher through the evidence gate."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from vzero.config import Params, Train, decisive
from vzero.errors import ConfigError
from vzero.launched import this_process
from vzero.methods import method_of
from vzero.methods.base import Method, Sample
from vzero.models.saving import save_like, weight_files
from vzero.paths import Paths
from vzero.runs import check_inputs, publish, publishing, run_folder
from vzero.shards import atomic_folder, listing_hash, read, shard_path, sync_folder, write_json, write_table
from vzero.tables import LeftOut, TrainLog
from vzero.train.batches import CROPPED, load_samples, training_index
from vzero.train.card import data_used, ingredients, write_card
from vzero.train.checkpoint import load_weights
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


def run(params: Params, paths: Paths) -> dict[str, Any]:
    """Train, and leave model, rollouts, train_log, left_out and the summary in place, the timings apart."""
    accelerator = this_process()
    set_seed(params.train.seed)
    check_processes(accelerator, params.train, "train")
    folders = {name: paths.resolve(getattr(params.models, name)) for name in ("student", "teacher")}
    weight_files(folders["student"])  # what cannot be saved is not trained
    method = method_of(params.train.method)
    inputs = _inputs(method, folders, paths)
    seen = listing_hash(inputs)
    training = loaded_run(accelerator, params, folders, paths)
    index = training_index(paths, method.roles, labels=method.settings.labels)
    unusable = left_out(index, training)
    _announce_left_out(accelerator, index, unusable, params, paths)
    index = index.join(unusable, on="sample_id", how="anti", maintain_order="left")
    config = {
        "models": params.models.model_dump(mode="json"),
        "rollout": decisive(params.rollout),
        "train": decisive(params.train),
    }
    summary = {
        "recipe": params.train.recipe,
        "steps": params.train.steps,
        "samples": index.height,
        "left_out": counts_by_code(unusable),
        "rollouts": params.train.steps * params.train.prompts * params.train.group,
        "method": params.train.method.model_dump(mode="json"),
    }
    batch = partial(_share, accelerator, index, paths, params.train)
    run = run_folder(paths.scratch, "train", code=__name__, config=config, inputs=inputs, seen=seen)
    with shared(run) as folder:
        announce(accelerator, folder, params.train)
        try:
            trackers = trackers_of(accelerator, params.train, folder, paths)
            train_student(accelerator, training, batch, folder, trackers)
        except Exception:
            if accelerator.is_main_process:
                check_inputs(folder)  # says so where they were replaced, and rows are no longer there
            raise
        if accelerator.is_main_process:
            summary |= totals(read(folder / "train_log", TrainLog))
            _publish(params, folders, folder, paths, unusable, summary)
        accelerator.wait_for_everyone()
        accelerator.end_training()
    return summary


def _inputs(method: Method[Any], folders: dict[str, Path], paths: Paths) -> list[Path]:
    """What the run is made of: only what the method has a use for."""
    data = [paths.samples, paths.images, *([paths.crops] if CROPPED & method.roles else [])]
    teacher = [folders["teacher"]] if method.settings.teacher != "none" else []
    return [*data, folders["student"], *teacher]


def _share(
    accelerator: Accelerator, index: pl.DataFrame, paths: Paths, train: Train, step: int
) -> list[Sample]:
    return load_samples(paths, index[own_rows(accelerator, index.height, train, step)])


def _announce_left_out(
    accelerator: Accelerator, index: pl.DataFrame, unusable: pl.DataFrame, params: Params, paths: Paths
) -> None:
    """Say how many samples are left out, with an example of every reason.

    Raises ConfigError when fewer than a step's prompts remain; the table is there then, to see why.
    """
    if unusable.is_empty():
        return
    lines = [
        f"{rows.height:,} {code} (the first: {rows['sample_id'][0]}, {rows['detail'][0]})"
        for (code,), rows in unusable.group_by("code", maintain_order=True)
    ]
    said = f"{unusable.height:,} of {index.height:,} training samples are left out: {'; '.join(lines)}"
    said = f"{said}; `vzero show left_out` lists them"
    remaining = index.height - unusable.height
    if remaining < params.train.prompts:
        if accelerator.is_main_process:
            _write_left_out(unusable, paths)
        raise ConfigError(
            f"train.prompts ({params.train.prompts}) is more than the samples left ({remaining}): {said}"
        )
    accelerator.print(f"train: {said}")


def _write_left_out(unusable: pl.DataFrame, paths: Paths) -> None:
    with atomic_folder(paths.left_out) as folder:
        write_table(shard_path(folder, 0), unusable, LeftOut)


def _publish(
    params: Params,
    folders: dict[str, Path],
    folder: Path,
    paths: Paths,
    unusable: pl.DataFrame,
    summary: dict[str, Any],
) -> None:
    """Put the finished run into place: the model last, as the folder that it came from.

    Another run's outputs are replaced when the model is written, all within a moment. The run's folder stays:
    killed here, or run again, the stage finds its last checkpoint and only publishes.
    """
    source = folders["student"]
    student = load_student(source, params, torch.device("cpu"))
    load_weights(folder / "checkpoints", student)
    if params.train.lora is not None:
        from vzero.models.adapters import merge_adapters

        merge_adapters(student)
    made_of = ingredients(folders, params)
    data, log = data_used(paths, unusable), read(folder / "train_log", TrainLog)
    with publishing(folder), atomic_folder(paths.trained_model) as saved:
        save_like(student, source, saved, precision=params.train.save_precision)
        write_card(saved, made_of, params, data, log, summary)
        check_inputs(folder)  # the student's folder was read once more
        sync_folder(saved)  # may be gigabytes: before the first of the outputs is replaced
        publish(folder / "rollouts", paths.rollouts)
        publish(folder / "train_log", paths.train_log)
        publish(folder / "timings", paths.train_timings)
        _write_left_out(unusable, paths)
        write_json(paths.train_summary, summary)
