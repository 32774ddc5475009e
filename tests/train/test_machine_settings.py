"""Settings of `train` that only a machine notices: the same bytes, and the same run is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_project import settings

from vzero.config import Params
from vzero.paths import Paths
from vzero.stages import train


def trained(project: Paths, **changed) -> dict[str, bytes]:
    """What `train` leaves, but for the seconds."""
    train.run(in_project(project, steps=2, **changed), project)
    folder = project.trained_model.parent
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def in_project(project: Paths, **changed) -> Params:
    params = settings(**changed)
    folders: dict[str, Path] = {name: project.root / name for name in ("student", "teacher")}
    return params.model_copy(update={"models": params.models.model_copy(update=folders)})


def test_checkpoints_offloading_and_trackers_change_no_byte_and_begin_no_run_anew(
    project: Paths, capsys: pytest.CaptureFixture[str]
):
    often = trained(project, checkpoint_every=1)
    assert "train: starting" in capsys.readouterr().out
    rarely = {
        "checkpoint_every": 2,
        "teacher": {"offload": True},
        "on_collapse": "stop",
        "trackers": ["tensorboard"],
    }
    assert trained(project, **rarely) == often
    assert "train: continuing from step-000002" in capsys.readouterr().out
    assert not (project.scratch / "trackers").exists()  # no step is made that they could show
    shutil.rmtree(project.scratch)
    assert trained(project, **rarely) == often
    assert "train: starting" in capsys.readouterr().out
