"""Training killed anywhere and run again ends in the same bytes as a run that nobody touched."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from killable import KILLED, KillableCommands, said
from ruamel.yaml import YAML
from shown_points import (
    assert_answers_and_pictures,
    in_dvclive,
    in_tensorboard,
    scalars,
    written_down,
)
from small_project import SETTINGS

from vzero.paths import Paths
from vzero.shards import read
from vzero.tables import TrainTimings

# What is made once for the module is made in one process.
pytestmark = pytest.mark.xdist_group("kills")

RANDOM_KILLS = 30

# The small project trains 4 steps and checkpoints after 2 and 4. Each run goes on where the one before was
# killed, so calls count from its last checkpoint. A step writes three tables: rollouts, timings, the log. A
# run that goes on writes the log and the timings first, without the steps after its checkpoint.
WRITE_TABLE = "polars.DataFrame.write_parquet"
WRITE_TENSORS = "vzero.train.checkpoint.save_file"
IN_A_STEP = [
    {"inside": "vzero.train.loop.score_step:3", "call": "torch.nn.functional.embedding:3"},  # rollout
    {"call": "vzero.train.loop.update:2"},  # between replay and update
    {"call": "vzero.train.loop.save_checkpoint:1"},  # between log and checkpoint
]
IN_A_TABLE = [
    {"call": f"{WRITE_TABLE}:7", "ending": "half"},  # rollouts of the third step
    {"call": f"{WRITE_TABLE}:2", "ending": "half"},  # timings without the third
    {"call": f"{WRITE_TABLE}:7", "ending": "half"},  # timings of the fourth
    {"call": f"{WRITE_TABLE}:8", "ending": "half"},  # log of the fourth
    {"call": f"{WRITE_TABLE}:6", "ending": "after"},  # rollouts written, not yet renamed
]
IN_A_CHECKPOINT = [
    {"call": f"{WRITE_TENSORS}:1", "ending": "half"},  # weights of the first
    {"call": f"{WRITE_TENSORS}:4"},  # between weights and optimizer of the second
    {"call": "vzero.shards.sync_folder:1", "ending": "after"},  # before the rename
    {"call": "pathlib.Path.rename:1", "ending": "after"},  # before the older one goes
]
IN_PUBLISHING = [
    {"call": "vzero.stages.train.publish:2"},  # between rollouts and log
    {"call": "vzero.stages.train.publish:3"},  # between log and timings
    {"call": "vzero.stages.train.write_json:1", "ending": "after"},  # between summary and model
    {"call": "vzero.models.saving.save_file:1", "ending": "after"},  # inside the model
    {"call": "pathlib.Path.rename:1", "ending": "after"},  # old rollouts aside, new ones not in place
]


@pytest.fixture(scope="module")
def untouched(
    made_project: Path, tmp_path_factory: pytest.TempPathFactory, commands: KillableCommands
) -> Paths:
    """The run that all others are compared with."""
    paths = copy_project(made_project, tmp_path_factory.mktemp("untouched"))
    commands.finish(paths, "train")
    return paths


@pytest.fixture
def project(made_project: Path, tmp_path: Path) -> Paths:
    return copy_project(made_project, tmp_path)


def copy_project(made: Path, folder: Path) -> Paths:
    shutil.copytree(made, folder / "project")
    paths = Paths(folder / "project")
    write_params(paths)
    return paths


def write_params(paths: Paths, **changes) -> None:
    YAML().dump(SETTINGS | {"train": SETTINGS["train"] | changes}, paths.params)


def assert_same(paths: Paths, untouched: Paths) -> None:
    """Every file of the stage but its timings is the same to the byte; nothing unfinished lies about."""
    assert digests(paths) == digests(untouched)
    steps = [read(each.train_timings, TrainTimings)["step"].to_list() for each in (paths, untouched)]
    assert steps[0] == steps[1]


def digests(paths: Paths) -> dict[str, str]:
    stage = paths.trained_model.parent
    return {
        file.relative_to(stage).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in stage.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(IN_A_STEP, id="in a step"),
        pytest.param(IN_A_TABLE, id="in a table", marks=pytest.mark.long),
        pytest.param(IN_A_CHECKPOINT, id="in a checkpoint", marks=pytest.mark.long),
    ],
)
def test_killed_and_run_again_it_ends_in_the_same_bytes(
    points: list[dict[str, str]], project: Paths, untouched: Paths, commands: KillableCommands
):
    for point in points:
        assert commands.run(project, "train", **point) == KILLED, said(project)
        assert not project.trained_model.exists()
    assert "continuing from step-00000" in commands.finish(project, "train")
    assert_same(project, untouched)
    kept = next(project.scratch.glob("train/*/checkpoints"))
    assert [checkpoint.name for checkpoint in kept.iterdir()] == ["step-000004"]


@pytest.mark.long
def test_killed_while_publishing_nothing_is_trained_again(
    project: Paths, untouched: Paths, commands: KillableCommands
):
    for point in IN_PUBLISHING:
        assert commands.run(project, "train", **point) == KILLED, said(project)
    assert "continuing from step-000004" in commands.finish(project, "train")
    assert_same(project, untouched)


@pytest.mark.long
def test_outputs_that_go_before_a_rerun_are_published_again(
    project: Paths, untouched: Paths, commands: KillableCommands
):
    """`dvc repro` removes a stage's outputs before it runs the stage."""
    assert commands.run(project, "train", **IN_PUBLISHING[0]) == KILLED
    assert project.rollouts.is_dir()
    shutil.rmtree(project.rollouts)
    commands.finish(project, "train")
    assert_same(project, untouched)
    shutil.rmtree(project.trained_model.parent)
    assert "continuing from step-000004" in commands.finish(project, "train")
    assert_same(project, untouched)


@pytest.mark.long
def test_a_full_disk_is_one_line_and_with_space_again_it_goes_on(
    project: Paths, untouched: Paths, commands: KillableCommands
):
    points = {
        f"{WRITE_TENSORS}:4": "checkpoints/step-000004",
        f"{WRITE_TABLE}:6": "rollouts/part-00003.parquet",
        "vzero.models.saving.save_file:1": "data/train/model",
    }
    for call, place in points.items():
        assert commands.run(project, "train", call=call, ending="full") == 2
        *_, line = said(project).splitlines()
        assert line.startswith("vzero: ")
        assert line.endswith(
            f"{place}: No space left on device; free some space and run the same command again"
        )
        assert "Traceback" not in said(project)
        assert not list(project.root.rglob(".*.tmp"))
    commands.finish(project, "train")
    assert_same(project, untouched)


@pytest.mark.long
def test_killed_and_run_again_trackers_show_each_step_once_and_change_no_byte(
    project: Paths, untouched: Paths, commands: KillableCommands
):
    write_params(project, trackers=["tensorboard", "dvclive"])
    assert commands.run(project, "train", call="vzero.train.loop.update:4") == KILLED
    shown = project.scratch / "trackers"
    # The step after the checkpoint was shown, and is made again.
    assert [step for step, _ in in_dvclive(shown / "dvclive")["train/loss"]] == [0, 1, 2]
    told = commands.finish(project, "train")
    assert "train: tracker tensorboard: tensorboard --logdir .vzero/trackers/tensorboard" in told
    assert "warning" not in told
    assert_same(project, untouched)
    assert not (project.root / "dvc.yaml").exists()

    expected = written_down(project)
    assert [step for step, _ in expected["train/loss"]] == [0, 1, 2, 3]
    board = in_tensorboard(shown / "tensorboard")
    assert scalars(board) == expected
    assert in_dvclive(shown / "dvclive") == {name: pytest.approx(points) for name, points in expected.items()}
    assert_answers_and_pictures(board, project)


@pytest.fixture(scope="module")
def other_seed(
    made_project: Path, tmp_path_factory: pytest.TempPathFactory, commands: KillableCommands
) -> Paths:
    """Another run that nobody touched."""
    paths = copy_project(made_project, tmp_path_factory.mktemp("other"))
    write_params(paths, seed=1)
    commands.finish(paths, "train")
    return paths


@pytest.mark.long
def test_a_changed_parameter_starts_clean_and_leaves_a_killed_run_to_go_on(
    project: Paths, untouched: Paths, other_seed: Paths, commands: KillableCommands
):
    assert commands.run(project, "train", call="vzero.train.loop.update:4") == KILLED
    write_params(project, seed=1)
    assert "train: starting" in commands.finish(project, "train")
    assert_same(project, other_seed)
    write_params(project)
    assert "continuing from step-000002" in commands.finish(project, "train")
    assert_same(project, untouched)


@pytest.mark.long
def test_two_seeds_at_once_in_one_project_both_end_as_alone(
    project: Paths, tmp_path: Path, untouched: Paths, other_seed: Paths, commands: KillableCommands
):
    other = second_params(project, tmp_path / "second", seed=1)
    meeting = {"call": "vzero.train.loop.update:3", "ending": "meet"}
    assert commands.run_at_once([project, other], "train", **meeting) == 0, said(project) + said(other)
    assert "train: starting" in said(project) and "train: starting" in said(other)
    assert kept_runs(project) == kept_runs(untouched) | kept_runs(other_seed)
    # What lies there is of the last to finish; started again, the first publishes what it made.
    first, alone = (project, untouched) if digests(project) == digests(other_seed) else (other, other_seed)
    assert digests(project) in (digests(untouched), digests(other_seed))
    assert "continuing from step-000004" in commands.finish(first, "train")
    assert_same(project, alone)


def second_params(paths: Paths, folder: Path, **changes) -> Paths:
    """The same project seen from a folder with a params.yaml of its own."""
    folder.mkdir()
    for name in ("data", ".vzero", "student", "teacher"):
        (paths.root / name).mkdir(exist_ok=True)
        (folder / name).symlink_to(paths.root / name)
    second = Paths(folder)
    write_params(second, **changes)
    return second


def kept_runs(paths: Paths) -> dict[str, str]:
    """Hashes of what runs keep to go on from, by its place; the log's times differ."""
    return {
        file.relative_to(paths.scratch).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for part in ("rollouts", "checkpoints/*")
        for file in paths.scratch.glob(f"train/*/{part}/*")
    }


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_killed_at_thirty_random_times(made_project: Path, tmp_path: Path):
    """The real command, killed at times spread over all that follows its start, often several times a run."""
    untouched = long_project(made_project, tmp_path / "untouched")
    process = started_run(untouched)
    started = time.monotonic()
    assert process.wait() == 0, said(untouched)
    duration = time.monotonic() - started

    times = random.Random(0)
    runs = kills = 0
    while kills < RANDOM_KILLS:
        runs += 1
        paths = long_project(made_project, tmp_path / f"run-{runs}")
        while kills < RANDOM_KILLS and kill_after(times.uniform(0, duration), started_run(paths)) == KILLED:
            kills += 1
        assert started_run(paths).wait() == 0, said(paths)
        assert_same(paths, untouched)
    print(f"{kills} kills in {runs} runs, over {duration:.1f} s")


def long_project(made: Path, folder: Path) -> Paths:
    """15 steps of 2 of the 30 samples."""
    paths = copy_project(made, folder)
    write_params(paths, steps=15, prompts=2)
    return paths


def started_run(paths: Paths) -> subprocess.Popen:
    """`vzero train` that has imported everything and begins or goes on."""
    with (paths.root / "said.txt").open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "vzero", "train"],
            cwd=paths.root,
            stdout=file,
            stderr=file,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    while "train: " not in said(paths):
        assert process.poll() is None, said(paths)
        time.sleep(0.01)
    return process


def kill_after(seconds: float, process: subprocess.Popen) -> int:
    """Exit status of a process that is killed after this time if it still runs."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
