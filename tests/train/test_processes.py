"""Two processes, as `accelerate launch` starts them, train the same student as one, whole or sharded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from killable import KillableCommands
from launched_processes import CONFIGS, SHARDED, WHOLE, launch_arguments, launched_environments
from polars import selectors
from polars.testing import assert_frame_equal
from ruamel.yaml import YAML
from safetensors.torch import load_file
from small_project import SETTINGS

from vzero.config import parse_params
from vzero.errors import ConfigError
from vzero.paths import Paths
from vzero.shards import read
from vzero.stages import train
from vzero.tables import Rollouts, TrainLog
from vzero.train.gradients import messages
from vzero.train.sharding import sharding_wanted

DRIVER = Path(__file__).parents[1] / "killed_process.py"
# A pass of one prompt rounds alike wherever it runs; what is left is the order in which gradients are added.
ALIKE = {"micro_tokens": 1, "decode_tokens": 1}


def copy_project(made: Path, folder: Path, *, models: dict | None = None, **changes) -> Paths:
    """The small project with other settings of `train`, and of `models`."""
    shutil.copytree(made, folder)
    settings = SETTINGS | {
        "models": SETTINGS["models"] | (models or {}),
        "train": SETTINGS["train"] | ALIKE | changes,
    }
    YAML().dump(settings, folder / "params.yaml")
    return Paths(folder)


def train_here(paths: Paths) -> Paths:
    train.run(parse_params(YAML(typ="safe").load(paths.params)), paths)
    return paths


def launch(paths: Paths, config: str, *program: str) -> subprocess.CompletedProcess[str]:
    """`accelerate launch`; the program is `-m vzero train` unless given. Hangs raise TimeoutExpired."""
    command = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch"]
    command += ["--config_file", str(CONFIGS / f"{config}.yaml"), *(program or ("-m", "vzero", "train"))]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=paths.root, env=environment, capture_output=True, text=True, timeout=200
    )


def assert_same_training(
    paths: Paths, alone: Paths, *, tolerance: float = 1e-5, packed_alike: bool = True
) -> None:
    """Weights, log-probs and log differ by no more than `tolerance`; what was sampled is the same.

    The log counts padding among what was computed, which passes of other prompts have more or less of.
    """
    weights, expected = (load_file(each.trained_model / "model.safetensors") for each in (paths, alone))
    assert weights.keys() == expected.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=tolerance, msg=name)
    frames = [read(each.rollouts, Rollouts).sort(Rollouts.primary_key()) for each in (paths, alone)]
    assert_frame_equal(*frames, abs_tol=tolerance, rel_tol=tolerance)
    logs = [read(each.train_log, TrainLog) for each in (paths, alone)]
    if not packed_alike:
        logs = [log.drop(selectors.ends_with("_flops", "_positions")) for log in logs]
    assert_frame_equal(*logs, abs_tol=tolerance, rel_tol=tolerance)


@pytest.mark.xdist_group("kills")
def test_two_processes_with_a_sharded_student_train_as_one(
    made_project: Path, tmp_path: Path, commands: KillableCommands
):
    """Without the launcher, which imports torch three times; the long tests start it.

    Each writes its own part of a checkpoint, from which a single process goes on.
    """
    alone = train_here(copy_project(made_project, tmp_path / "alone"))
    paths = copy_project(made_project, tmp_path / "project")
    said = commands.finish(paths, "train", environments=launched_environments(SHARDED))
    assert_same_training(paths, alone)
    assert said.count("train: starting") == 1
    assert said.count("train: recipe") == 1
    parts = sorted(path.name for path in paths.scratch.glob("train/*/checkpoints/*/*"))
    assert parts == [
        f"{name}-0000{process}-of-00002.safetensors"
        for name in ("optimizer", "weights")
        for process in (1, 2)
    ]
    for each in (paths, alone):
        settings = YAML(typ="safe").load(each.params)
        settings["train"]["steps"] += 1
        YAML().dump(settings, each.params)
        train_here(each)
    assert_same_training(paths, alone)


@pytest.mark.long
def test_a_process_that_dies_ends_the_others_and_the_run_goes_on_sharded(made_project: Path, tmp_path: Path):
    """In bf16, with layers computed again and two updates a step.

    Gradients are not clipped here. Slices add up to a norm that is rounded otherwise than the whole's; what
    it clips differs by 1e-7 of its size, and the rare weight which that puts on the other side of a boundary
    between two bf16 numbers moves all that follows by more than 1e-5.
    """
    changes = {"recipe": "released", "mini_batches": 2, "gradient_checkpointing": True, "max_grad_norm": 1e6}
    changes |= {"group": 2, "max_new_tokens": 3}  # bf16 is slow on a CPU
    precision = {"precision": "bf16"}
    alone = train_here(copy_project(made_project, tmp_path / "alone", models=precision, **changes))
    paths = copy_project(made_project, tmp_path / "project", models=precision, **changes)
    died = launch(paths, WHOLE, str(DRIVER))
    assert died.returncode != 0
    assert "SIGKILL" in died.stderr
    [kept] = paths.scratch.glob("train/*/checkpoints/step-*")
    assert kept.name == "step-000002"
    done = launch(paths, SHARDED)
    assert done.returncode == 0, done.stderr
    assert "continuing from step-000002" in done.stdout
    assert_same_training(paths, alone)


@pytest.mark.long
@pytest.mark.parametrize("config", [WHOLE, SHARDED])
@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": "needle"},
        {"recipe": "needle", "mini_batches": 2},
        {"recipe": "released"},
        {"recipe": "released", "mini_batches": 2},
        {"recipe": "opd", "teacher": {"kind": "ema"}, "lora": {"rank": 4, "alpha": 8}},
    ],
    ids=["forward_kl", "forward_kl, 2 updates", "k1", "k1, 2 updates", "moving teacher, adapters"],
)
def test_every_kind_of_run_is_the_same_on_two_processes(
    config: str, changes: dict, made_project: Path, tmp_path: Path
):
    alone = train_here(copy_project(made_project, tmp_path / "alone", **changes))
    paths = copy_project(made_project, tmp_path / "project", **changes)
    done = launch(paths, config)
    assert done.returncode == 0, done.stderr
    assert_same_training(paths, alone)


@pytest.mark.long
@pytest.mark.parametrize("config", [WHOLE, SHARDED])
def test_prompts_that_are_packed_otherwise_only_round_otherwise(
    config: str, made_project: Path, tmp_path: Path
):
    """A process has fewer prompts to pack into a pass than one alone, so padding and rounding differ.

    AdamW divides a gradient by its own size: where it is little but rounding, a weight may go another way, by
    at most the learning rate a step.
    """
    alone = train_here(copy_project(made_project, tmp_path / "alone", micro_tokens=600))
    paths = copy_project(made_project, tmp_path / "project", micro_tokens=600)
    done = launch(paths, config)
    assert done.returncode == 0, done.stderr
    rounded = SETTINGS["train"]["learning_rate"]
    assert_same_training(paths, alone, tolerance=rounded, packed_alike=False)


@pytest.mark.parametrize(
    ("config", "machines", "processes", "sharded"),
    [
        ("cpu_2_processes", 1, 2, False),
        ("cpu_2_processes_fsdp2", 1, 2, True),
        ("one_node_8_gpus", 1, 8, False),
        ("one_node_8_gpus_fsdp2", 1, 8, True),
        ("two_nodes_fsdp2", 2, 16, True),
    ],
)
def test_accelerate_reads_the_configs_as_meant(config: str, machines: int, processes: int, sharded: bool):
    read_by_accelerate = launch_arguments(config)
    assert read_by_accelerate.num_machines == machines
    assert read_by_accelerate.num_processes == processes
    assert read_by_accelerate.machine_rank == "1" or read_by_accelerate.machine_rank == 1
    assert (read_by_accelerate.use_fsdp, read_by_accelerate.multi_gpu) == (sharded, not sharded)
    assert read_by_accelerate.mixed_precision == "no"
    if sharded:
        assert read_by_accelerate.fsdp_version == 2
        assert read_by_accelerate.fsdp_cpu_ram_efficient_loading is False


def test_weights_that_only_one_process_would_read_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.setenv("FSDP_CPU_RAM_EFFICIENT_LOADING", "true")
    with pytest.raises(ConfigError, match="fsdp_cpu_ram_efficient_loading must be false"):
        sharding_wanted()
    monkeypatch.setenv("FSDP_CPU_RAM_EFFICIENT_LOADING", "false")
    assert sharding_wanted()
    monkeypatch.delenv("ACCELERATE_USE_FSDP")
    assert not sharding_wanted()


@given(
    lengths=st.lists(st.integers(1, 9), max_size=12),
    halves=st.lists(st.booleans(), min_size=12, max_size=12),
    most=st.integers(1, 20),
)
def test_messages_hold_every_gradient_once_in_order_and_are_bounded(
    lengths: list[int], halves: list[bool], most: int
):
    tensors = [
        torch.empty(n, dtype=torch.bfloat16 if half else torch.float32)
        for n, half in zip(lengths, halves, strict=False)
    ]
    parts = list(messages(tensors, most))
    assert [id(tensor) for part in parts for tensor in part] == [id(tensor) for tensor in tensors]
    for part in parts:
        assert len({tensor.dtype for tensor in part}) == 1
        assert len(part) == 1 or sum(tensor.numel() for tensor in part) <= most
