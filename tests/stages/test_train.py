"""Stage train from tables to tables; killed and run again it ends in the same bytes."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import torch
from ruamel.yaml import YAML
from small_project import SETTINGS, settings

from vzero.config import ConfigError, Models
from vzero.models.loading import load_model
from vzero.paths import Paths
from vzero.shards import read
from vzero.stages import train
from vzero.tables import Rollouts, TrainLog


def test_a_run_leaves_a_loadable_model_and_checked_tables(project: Paths):
    summary = train.run(settings(), project)
    assert summary["rollouts"] == 4 * 4 * 3
    trained = load_model(project.trained_model, Models())
    base = load_model(project.resolve(settings().models.student), Models())
    assert any(
        not torch.equal(a, b)
        for a, b in zip(trained.network.parameters(), base.network.parameters(), strict=True)
    )
    rollouts = Rollouts.validate(read(project.rollouts, Rollouts), cast=True)
    assert rollouts.height == 48
    lengths = rollouts.select(pl.col("token_ids", "student_logprobs", "positive_logprobs").list.len())
    assert all(len(set(row)) == 1 for row in lengths.iter_rows())
    log = TrainLog.validate(read(project.train_log, TrainLog), cast=True)
    assert log["step"].to_list() == [0, 1, 2, 3]
    weights = rollouts.group_by("step").agg(pl.col("weight").mean()).sort("step")["weight"]
    assert log["weight_mean"].to_list() == pytest.approx(weights.to_list(), abs=1e-5)


def test_without_the_gate_there_is_no_negative_view_and_every_weight_is_one(project: Paths):
    train.run(settings(gate={"enabled": False}), project)
    rollouts = read(project.rollouts, Rollouts)
    assert rollouts["weight"].unique().to_list() == [1.0]
    assert rollouts["negative_logprobs"].list.len().unique().to_list() == [0]


def test_groups_that_would_be_split_are_refused(project: Paths):
    with pytest.raises(ConfigError, match="mini_batches"):
        settings(prompts=4, mini_batches=3)


def test_killed_and_run_again_it_ends_in_the_same_bytes(project: Paths):
    write_params(project, steps=6)
    straight = Paths(project.root.parent / "straight")
    straight.root.mkdir()
    for name in ("data", "student", "teacher", "params.yaml"):
        (straight.root / name).symlink_to(project.root / name)
    # The untouched run has output folders of its own.
    (straight.root / "data").unlink()
    (straight.root / "data").mkdir()
    for name in ("ingest", "crops"):
        (straight.root / "data" / name).symlink_to(project.root / "data" / name)
    stage(straight).wait(timeout=240)

    process = stage(project)
    wait_for(project.scratch, "checkpoints/step-000002", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not project.trained_model.exists()
    finished = stage(project)
    output, _ = finished.communicate(timeout=240)
    assert finished.returncode == 0, output
    assert "continuing from step-00000" in output
    assert hashes(project.trained_model) == hashes(straight.trained_model)
    assert hashes(project.rollouts) == hashes(straight.rollouts)
    timings = ["rollout_seconds", "replay_seconds", "update_seconds"]
    logs = [read(paths.train_log, TrainLog).drop(timings) for paths in (project, straight)]
    assert logs[0].equals(logs[1])


def write_params(paths: Paths, **changes) -> None:
    YAML().dump(SETTINGS | {"train": SETTINGS["train"] | changes}, paths.params)


def stage(paths: Paths) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "vzero", "train"],
        cwd=paths.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(folder: Path, pattern: str, process: subprocess.Popen) -> None:
    for _ in range(2400):
        if list(folder.glob(f"train/*/{pattern}")):
            return
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        time.sleep(0.05)
    raise AssertionError(f"{pattern} did not appear")


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
