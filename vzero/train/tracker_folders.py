"""Where trackers put what training shows them, and how to look at it. Loads no model: flows read it."""

from __future__ import annotations

from pathlib import Path

LOOK_AT = {
    "tensorboard": "tensorboard --logdir {folder}",
    "wandb": "wandb leet {folder}/wandb",
    "trackio": "TRACKIO_DIR={folder} trackio show --project vzero",
    "dvclive": "dvc plots show {folder}",
}
"""By the names of `train.trackers`."""


def tracker_folder(scratch: Path, name: str) -> Path:
    """Of all runs that a tracker shows; never versioned, kept when the runs themselves are cleared away."""
    return scratch / "trackers" / name


def look_at(scratch: Path, name: str) -> str:
    """The command that shows what a tracker has."""
    return LOOK_AT[name].format(folder=tracker_folder(scratch, name))
