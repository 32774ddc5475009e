"""Run a project's commands as subprocesses, as a person in its folder would, ended when this process ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OFFLINE = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}


GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True)
class Finished:
    code: int
    output: str


def environment() -> dict[str, str]:
    """What a command sees: this Python first on PATH (stages start with `python`), nothing online."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, **OFFLINE, "PATH": path, "PYTHONUNBUFFERED": "1"}


def run_module(root: Path, *arguments: str, log: Callable[[str], None] = print) -> Finished:
    """`python -m ARGUMENTS` in `root`; every line goes to `log` as it comes. Ends when this process does."""
    lines = []
    with subprocess.Popen(
        # -P: what lies beside the guard is no module for it to import.
        [sys.executable, "-P", str(GUARD), sys.executable, "-m", *arguments],
        cwd=root,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            log(line.rstrip())
    return Finished(process.returncode, "".join(lines))
