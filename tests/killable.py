"""The project's commands, each run in processes of its own that end where a test says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from vzero.paths import Paths

DRIVER = Path(__file__).with_name("killed_run.py")
KILLED = -signal.SIGKILL


class KillableCommands:
    """The driver's process: one start of Python for many runs."""

    def __init__(self) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, paths: Paths, *command: str, **how: Any) -> int:
        """Exit status of `vzero COMMAND`; `killed_run` says how it may be run and ended."""
        return self._obeyed({"folder": str(paths.root), "command": command, **how})

    def run_at_once(self, projects: list[Paths], *command: str, **how: Any) -> int:
        """Exit status of the first to fail, of the same command in several folders."""
        return self._obeyed([{"folder": str(paths.root), "command": command, **how} for paths in projects])

    def _obeyed(self, order: Any) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def finish(self, paths: Paths, *command: str, **how: Any) -> str:
        """What a run said that nobody ended."""
        status = self.run(paths, *command, **how)
        assert status == 0, said(paths)
        return said(paths)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=60)


def said(paths: Paths) -> str:
    """What the last run in this folder printed."""
    return (paths.root / "said.txt").read_text()
