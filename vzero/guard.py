"""Run a command that must not outlive who asked for it: `python guard.py COMMAND ...`, asked through stdin.

Stdin is a pipe whose other end the asker keeps open. The system closes it however the asker ends, also when
killed; then the command and all that it started are ended. Otherwise a killed flow or experiment would leave
a stage at work, and the run that takes its place would find the stage's data taken.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

import psutil

GRACE = 10  # seconds between being asked to end and being killed


def main() -> int:
    """The command's exit status; of one that a signal ended 128 plus its number, as shells have it."""
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    # From a terminal an interrupt reaches the command too, which then ends in its own way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_asker, args=(command.pid,), daemon=True).start()
    status = command.wait()
    return status if status >= 0 else 128 - status


def _end_with_asker(command: int) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    with contextlib.suppress(psutil.NoSuchProcess):
        end(psutil.Process(command))


def end(process: psutil.Process) -> None:
    """End a process with all that it started: asked first, then killed."""
    tree = [process, *process.children(recursive=True)]
    for each in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.terminate()
    _, left = psutil.wait_procs(tree, timeout=GRACE)
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


if __name__ == "__main__":
    sys.exit(main())
