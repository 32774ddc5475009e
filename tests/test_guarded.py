"""Commands end when the process that asked for them does, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vzero.guarded import run_module

# Starts a process of its own, as `dvc repro` does, and says its number.
COMMAND = """
import subprocess, sys, time
started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(started.pid, flush=True)
"""
ASKER = """
from pathlib import Path
from vzero.guarded import run_module

run_module(Path(), "command", log=lambda line: print(line, flush=True))
"""


@pytest.mark.parametrize("dying", ["", "print(flush=True)\n"], ids=["waits", "dies first"])
def test_a_killed_asker_leaves_no_process_of_its_commands(tmp_path: Path, dying: str):
    """Also where the command is gone before them, as one that prints for nobody is."""
    talks = f"while True:\n    time.sleep(0.01)\n    {dying}" if dying else "started.wait()"
    (tmp_path / "command.py").write_text(f"{COMMAND}{talks}\n")
    with subprocess.Popen(
        [sys.executable, "-c", ASKER],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    ) as asker:
        assert asker.stdout
        started = int(asker.stdout.readline())
        assert Path(f"/proc/{started}").exists()
        asker.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 60
        while running(started):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def running(number: int) -> bool:
    """Whether a process is there and not merely waiting for its parent to ask how it ended."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_a_command_ends_as_it_would_by_itself(tmp_path: Path):
    (tmp_path / "fails.py").write_text("import sys; print('so far'); sys.exit(7)")
    (tmp_path / "dies.py").write_text("import os; os.kill(os.getpid(), 15)")
    (tmp_path / "listens.py").write_text("import sys; print(repr(sys.stdin.read()))")
    failed = run_module(tmp_path, "fails")
    assert (failed.code, failed.output) == (7, "so far\n")
    assert run_module(tmp_path, "dies").code == 128 + signal.SIGTERM
    assert run_module(tmp_path, "listens").output == "''\n"
