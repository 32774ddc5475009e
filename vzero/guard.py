"""Run a command that must not outlive who asked for it: `python guard.py COMMAND ...`, asked through stdin.

Stdin is a pipe whose other end the asker keeps open. The system closes it however the asker ends, also when
killed; then the command and all that it started are ended. Otherwise a killed flow or experiment would leave
a stage at work, and the run that takes its place would find the stage's data taken.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading

import psutil

GRACE = 10  # seconds between being asked to end and being killed


def main() -> int:
    """The command's exit status; of one that a signal ended 128 plus its number, as shells have it."""
    # A session of its own names all that it starts, also when it is gone itself. An interrupt from a terminal
    # reaches the asker alone then.
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch = threading.Thread(target=_end_with_asker, args=(command.pid,), daemon=True)
    watch.start()
    status = command.wait()
    if select.select([sys.stdin], [], [], 0)[
        0
    ]:  # the asker has ended: the command is not all there is to end
        watch.join()
    return status if status >= 0 else 128 - status


def _end_with_asker(command: int) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    end(started_by(command))


def started_by(command: int) -> list[psutil.Process]:
    """The command, what is of its session, and what else it or its children have started."""
    found: set[psutil.Process] = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == command:
                found |= {process, *process.children(recursive=True)}
    return list(found)


def end(processes: list[psutil.Process]) -> None:
    """Asked first, then killed."""
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.terminate()
    _, left = psutil.wait_procs(processes, timeout=GRACE)
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


if __name__ == "__main__":
    sys.exit(main())
