"""Self-play killed anywhere and run again ends in the same bytes as a run that nobody touched."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
KILLS = 20


def start(root: Path) -> subprocess.Popen[str]:
    (root / "started").unlink(missing_ok=True)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE / "played.py"), str(root)]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    while not (root / "started").exists():
        assert running.poll() is None, running.communicate()[0]
        time.sleep(0.05)
    return running


def contents(root: Path) -> dict[str, str]:
    """A hash of every file that self-play leaves."""
    made = sorted(path for path in (root / "data/selfplay").rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in made}


@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_a_run_killed_at_random_ends_in_the_same_bytes(drawn: Path, tmp_path: Path):
    untouched, killed = (tmp_path / name for name in ("untouched", "killed"))
    for root in (untouched, killed):
        shutil.copytree(drawn / "data/selfplay/photographs", root / "data/selfplay/photographs")
    started = time.monotonic()
    running = start(untouched)
    assert running.wait() == 0, running.communicate()[0]
    whole, rng = time.monotonic() - started, random.Random(0)
    kills = 0
    for _ in range(KILLS):
        running = start(killed)
        try:
            running.wait(timeout=rng.uniform(0.2, whole / 4))
            break  # it came to its end before all kills
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.wait()
            kills += 1
    running = start(killed)
    assert running.wait() == 0, running.communicate()[0]
    print(f"{kills} kills")
    assert kills > KILLS // 2
    assert contents(killed) == contents(untouched)
