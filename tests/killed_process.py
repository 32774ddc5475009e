"""Runs `vzero train` in one of several processes; process 1 is killed in the update of its third step."""

from __future__ import annotations

import os
import sys

from killed_run import before, on_call

from vzero.cli import main

if os.environ["RANK"] == "1":
    # Two updates a step: the fifth is of the third.
    on_call("vzero.train.update.summed_gradient_norm:5", before)
sys.argv = ["vzero", "train"]
main()
