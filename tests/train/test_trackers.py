"""Training shown in trackers: the figures of its own tables, at no risk to it."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import get_args

import polars as pl
import pytest
from killable import KILLED, KillableCommands, said
from ruamel.yaml import YAML
from small_project import SETTINGS, settings
from tensorboard.backend.event_processing.event_accumulator import IMAGES, SCALARS, TENSORS, EventAccumulator

from vzero.config import parse_params
from vzero.config.train import TrackerName
from vzero.errors import ConfigError
from vzero.paths import Paths
from vzero.shards import read
from vzero.tables import Rollouts, TrainLog, TrainTimings
from vzero.train.records import append_log, append_timings
from vzero.train.tracker_folders import LOOK_AT
from vzero.train.tracker_kinds import KINDS, markdown
from vzero.train.trackers import Trackers

pytestmark = pytest.mark.xdist_group("kills")

LOCAL = ["tensorboard", "dvclive"]


def write_params(paths: Paths, **changes) -> None:
    YAML().dump(SETTINGS | {"train": SETTINGS["train"] | changes}, paths.params)


def results(paths: Paths) -> dict[str, str]:
    """Hashes of all that `train` leaves, but for the seconds."""
    folder = paths.trained_model.parent
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def written_down(paths: Paths) -> dict[str, list[tuple[int, float]]]:
    """The points that trackers should have, by name: those of the log and the timings that are not null."""
    log, timings = read(paths.train_log, TrainLog), read(paths.train_timings, TrainTimings)
    named = {f"train/{name}": log[name] for name in log.columns if name != "step"}
    named |= {
        f"seconds/{name.removesuffix('_seconds')}": timings[name]
        for name in timings.columns
        if name != "step"
    }
    points = {
        name: [(step, value) for step, value in zip(log["step"], values, strict=True) if value is not None]
        for name, values in named.items()
    }
    return {name: values for name, values in points.items() if values}


def in_tensorboard(folder: Path) -> EventAccumulator:
    (run,) = folder.iterdir()
    return EventAccumulator(str(run), size_guidance={SCALARS: 0, IMAGES: 0, TENSORS: 0}).Reload()


def in_dvclive(folder: Path) -> dict[str, list[tuple[int, float]]]:
    (metrics,) = folder.glob("*/plots/metrics")
    tables = {
        file.relative_to(metrics).with_suffix("").as_posix(): pl.read_csv(file, separator="\t").rows()
        for file in metrics.rglob("*.tsv")
    }
    return {name: [(step, float(value)) for step, value in rows] for name, rows in tables.items()}


def test_killed_and_run_again_each_step_is_shown_once_and_the_result_is_as_without_trackers(
    made_project: Path, tmp_path: Path, commands: KillableCommands
):
    plain, followed = (
        Paths(shutil.copytree(made_project, tmp_path / name)) for name in ("plain", "followed")
    )
    write_params(plain)
    commands.finish(plain, "train")
    write_params(followed, trackers=LOCAL)
    assert commands.run(followed, "train", call="vzero.train.loop.update:4") == KILLED, said(followed)
    shown = followed.scratch / "trackers"
    # After the checkpoint at 2 the third step was shown, and is made again.
    assert [step for step, _ in in_dvclive(shown / "dvclive")["train/loss"]] == [0, 1, 2]
    told = commands.finish(followed, "train")

    assert "train: tracker tensorboard: tensorboard --logdir .vzero/trackers/tensorboard" in told
    assert "warning" not in told
    assert results(followed) == results(plain)
    assert not (followed.root / "dvc.yaml").exists()
    expected = written_down(followed)
    assert [step for step, _ in expected["train/loss"]] == [0, 1, 2, 3]
    board = in_tensorboard(shown / "tensorboard")
    assert {
        name: [(event.step, event.value) for event in board.Scalars(name)] for name in board.Tags()[SCALARS]
    } == expected
    assert in_dvclive(shown / "dvclive") == {name: pytest.approx(rows) for name, rows in expected.items()}
    assert_answers_and_pictures(board, followed)

    events = list((shown / "tensorboard").rglob("events*"))
    assert "continuing from step-000004" in commands.finish(followed, "train")
    assert list((shown / "tensorboard").rglob("events*")) == events  # no step, nothing to show


def assert_answers_and_pictures(board: EventAccumulator, paths: Paths) -> None:
    """With each of the two checkpoints the answers to four samples, and three pictures of each."""
    texts = board.Tensors("answers/text_summary")
    assert [event.step for event in texts] == [1, 3]
    rollouts = read(paths.rollouts, Rollouts)
    for event in texts:
        text = event.tensor_proto.string_val[0].decode()
        asked = rollouts.filter(step=event.step)["sample_id"].unique()
        assert len(asked) == 4 and all(text.count(sample) == 3 for sample in asked)  # three answers each
    roles = {f"sample-{number}/{role}" for number in range(1, 5) for role in ("full", "positive", "negative")}
    assert set(board.Tags()[IMAGES]) == roles
    assert [event.step for event in board.Images("sample-1/full")] == [1, 3]


class Package(ModuleType):
    """A tracker's package, in the place of Weights & Biases: what it is told, and where it fails."""

    def __init__(self, fails_at: str) -> None:
        super().__init__("wandb")
        self.__spec__ = ModuleSpec("wandb", None)
        self.fails_at, self.told, self.config = fails_at, [], {}

    def _called(self, what: str) -> None:
        self.told.append(what)
        if what == self.fails_at:
            raise ConnectionError("no route\nto host")

    def init(self, **settings: object) -> Package:
        assert settings["mode"] == "offline"
        self._called("init")
        return self

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._called(f"log {step}")

    def finish(self) -> None:
        self._called("finish")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run of two steps."""
    figures = dict.fromkeys(TrainLog.column_names(), 0.5)
    seconds = dict.fromkeys(["rollout", "replay", "update"], 0.1)
    for step in range(2):
        append_log(tmp_path / "run/train_log", figures | {"step": step, "reward": None})
        append_timings(tmp_path / "run/timings", seconds, number=step)
    return tmp_path / "run"


def follow(run: Path, *names: str) -> None:
    trackers = Trackers(names, run.parent, {})
    with trackers.following(run, first=0):
        trackers.log(0)
        trackers.log(1)


@pytest.mark.parametrize(
    ("fails_at", "told"),
    [
        ("init", ["init"]),
        ("log 0", ["init", "log 0"]),
        ("finish", ["init", "log 0", "log 1", "finish"]),
    ],
)
def test_a_tracker_that_fails_is_left_out_from_there_on_and_the_others_go_on(
    fails_at: str,
    told: list[str],
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    package = Package(fails_at)
    monkeypatch.setitem(sys.modules, "wandb", package)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    follow(run, "wandb", "tensorboard")
    assert package.told == told
    warnings = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert warnings == ["train: warning: tracker wandb is left out: ConnectionError: no route to host"]
    losses = in_tensorboard(run.parent / "trackers/tensorboard").Scalars("train/loss")
    assert [(event.step, event.value) for event in losses] == [(0, 0.5), (1, 0.5)]


def test_a_tracker_that_is_not_installed_is_said_and_left_out(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "trackio", None)
    follow(run, "trackio")
    told = capsys.readouterr().out
    reason = "ModuleNotFoundError: not installed: pip install trackio"
    assert told == f"train: warning: tracker trackio is left out: {reason}\n"


def test_nulls_are_no_points(run: Path):
    follow(run, "tensorboard")
    names = in_tensorboard(run.parent / "trackers/tensorboard").Tags()[SCALARS]
    assert "train/entropy" in names and "seconds/update" in names
    assert "train/reward" not in names and "train/step" not in names


def test_what_stands_in_a_cell_is_text_on_one_line():
    table = pl.DataFrame({"text": ["a | b\n<b>c</b>"], "reward": [None], "weight": [0.123456]})
    assert markdown(table).splitlines() == [
        "| text | reward | weight |",
        "| --- | --- | --- |",
        "| a &#124; b &lt;b>c&lt;/b> |  | 0.123 |",
    ]


def test_every_name_has_a_kind_and_a_command():
    assert set(get_args(TrackerName)) == set(KINDS) == set(LOOK_AT)


@pytest.mark.parametrize(
    ("trackers", "said_so"),
    [
        (
            ["tensorbord"],
            "train.trackers.0: Input should be 'tensorboard', 'wandb', 'trackio' or 'dvclive', got 'tensorb",
        ),
        (["wandb", "wandb"], "trackers ['wandb', 'wandb'] must differ from each other"),
        ("wandb", "train.trackers: Input should be a valid array, got 'wandb'"),
    ],
)
def test_other_names_are_refused(trackers: object, said_so: str):
    with pytest.raises(ConfigError) as refused:
        parse_params({"train": {"trackers": trackers}})
    assert said_so in str(refused.value)


def test_by_default_there_are_none():
    assert settings().train.trackers == []
