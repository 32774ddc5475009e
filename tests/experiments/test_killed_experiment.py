"""`vzero experiment smoke` in a new project: two killed runs and a last one find what one run finds."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from vzero.commands.project import lay_out
from vzero.experiments.results import read_curves, read_runs
from vzero.guarded import environment
from vzero.paths import Paths

pytestmark = pytest.mark.long

KILLED = (20.0, 50.0)
"""Seconds after which a run is killed, at least and at most."""
CLOCKS = ("finished_at", "seconds", "peak_memory")


def started(root: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "vzero", "experiment", "smoke"], cwd=root, env=environment()
    )


def found(root: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both tables without what a clock said."""
    results = Paths(root).experiment_results("smoke")
    costs = pl.col("costs").list.eval(
        pl.element().struct.rename_fields(["step", "phase", "_", "flops", "tokens"])
    )
    costs = costs.list.eval(pl.struct(pl.element().struct.field("step", "phase", "flops", "tokens")))
    return read_runs(results).drop(CLOCKS).with_columns(costs), read_curves(results)


def test_a_killed_experiment_goes_on_to_the_same_tables(tmp_path: Path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for root in (whole, killed):
        lay_out(root)
    begun = time.monotonic()
    assert started(whole).wait() == 0
    print(f"vzero experiment smoke: {time.monotonic() - begun:.0f} s")
    times = random.Random(0)
    for _ in range(2):
        process = started(killed)
        time.sleep(times.uniform(*KILLED))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it should have been at work still"
    assert started(killed).wait() == 0
    for one, other in zip(found(whole), found(killed), strict=True):
        assert one.height and one.equals(other)
