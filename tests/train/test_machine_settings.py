"""Settings of `train` that leave its run the same: those of a machine, and how far to go. The same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path
from unittest import mock

import pytest
from small_project import settings

from vzero.config import Params
from vzero.paths import Paths
from vzero.stages import train


def trained(project: Paths, **changed) -> dict[str, bytes]:
    """What `train` leaves, but for the seconds."""
    train.run(in_project(project, **({"steps": 2} | changed)), project)
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


@pytest.mark.long
def test_more_steps_go_on_where_fewer_ended_and_fewer_begin_anew(
    project: Paths, capsys: pytest.CaptureFixture[str]
):
    """Checkpoints come every 2 steps and at the end."""
    short, long = trained(project, steps=1), trained(project, steps=3)
    said = capsys.readouterr().out
    assert "train: starting" in said and "train: continuing from step-000001" in said
    assert trained(project, steps=1) == short
    assert "train: starting" in capsys.readouterr().out
    shutil.rmtree(project.scratch)
    assert trained(project, steps=3) == long


@pytest.mark.long
def test_a_killed_run_that_is_to_end_at_its_checkpoint_forgets_the_steps_after_it(project: Paths):
    """It was killed after its third step, with a checkpoint of two."""
    two = trained(project, steps=2)
    shutil.rmtree(project.scratch)
    killed = mock.patch("vzero.train.loop._report", side_effect=[None, None, KeyboardInterrupt])
    with killed, pytest.raises(KeyboardInterrupt):
        trained(project, steps=4)
    assert trained(project, steps=2) == two
