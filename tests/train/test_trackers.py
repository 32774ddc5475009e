"""Training shown in trackers: the figures of its own tables, at no risk to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import get_args

import polars as pl
import pytest
from shown_points import in_tensorboard, scalars
from small_project import settings

from vzero.config import parse_params
from vzero.config.train import TrackerName
from vzero.errors import ConfigError
from vzero.tables import PHASES, TrainLog
from vzero.train.costs import Cost
from vzero.train.records import append_log, append_timings
from vzero.train.tracker_folders import LOOK_AT
from vzero.train.tracker_kinds import KINDS, markdown
from vzero.train.trackers import Trackers


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
        assert settings["mode"] == "offline" and os.environ["WANDB_ERROR_REPORTING"] == "false"
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
    costs = dict.fromkeys(PHASES, Cost(seconds=0.1, flops=7, positions=7))
    for step in range(2):
        append_log(tmp_path / "run/train_log", figures | {"step": step, "reward": None})
        append_timings(tmp_path / "run/timings", costs, number=step)
    return tmp_path / "run"


def follow(run: Path, *names: str) -> None:
    trackers = Trackers(names, run, run.parent, {"gate.alpha": 0.5})
    with trackers.following(first=0):
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
    for name in ("WANDB_MODE", "WANDB_ERROR_REPORTING"):
        monkeypatch.delenv(name, raising=False)
    follow(run, "wandb", "tensorboard")
    assert package.told == told
    warnings = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert warnings == ["train: warning: tracker wandb is left out: ConnectionError: no route to host"]
    board = in_tensorboard(run.parent / "trackers/tensorboard")
    assert scalars(board)["train/loss"] == [(0, 0.5), (1, 0.5)]


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
    names = scalars(in_tensorboard(run.parent / "trackers/tensorboard"))
    assert "train/entropy" in names and "seconds/update" in names
    assert "train/reward" not in names and "train/step" not in names


def test_what_stands_in_a_cell_is_text_on_one_line():
    table = pl.DataFrame({"text": ["a | b\n<b>*c*</b>"], "reward": [None], "weight": [0.123456]})
    assert markdown(table).splitlines() == [
        "| text | reward | weight |",
        "| --- | --- | --- |",
        "| a &#124; b &#60;b&#62;&#42;c&#42;&#60;/b&#62; |  | 0.123 |",
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
