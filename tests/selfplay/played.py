"""Plays the two iterations in a process of its own, which may be killed: `python played.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from two_iterations import play, scripted, settings

from vzero.paths import Paths

torch.set_num_threads(1)
root = Path(sys.argv[1])
(root / "started").touch()  # imports take most of the time; kills are meant for what comes after
with scripted():
    play(settings(), Paths(root))
