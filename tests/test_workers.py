"""The pool: every result once, errors are not swallowed, the input is not read ahead of the work."""

import operator
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vzero import workers
from vzero.config import Compute
from vzero.workers.local import AHEAD

LOCAL = Compute()


@pytest.mark.parametrize("processes", [1, 2])
def test_every_job_is_done_once(processes):
    jobs = ((number, 1) for number in range(20))
    with workers.pool(LOCAL, processes=processes) as completed:
        assert sorted(completed(operator.add, jobs)) == list(range(1, 21))


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_in_a_worker_is_the_callers(processes):
    with pytest.raises(ZeroDivisionError), workers.pool(LOCAL, processes=processes) as completed:
        list(completed(operator.truediv, [(1, 1), (1, 0)]))


def test_jobs_are_taken_as_fast_as_they_are_worked_off():
    taken = []
    jobs = ((taken.append(number) or number, 1) for number in range(100))
    with workers.pool(LOCAL, processes=2) as completed:
        next(completed(operator.add, jobs))
        assert len(taken) <= 2 * AHEAD + 1


def test_an_interrupt_does_not_wait_for_the_jobs_at_work(tmp_path):
    (tmp_path / "main.py").write_text(
        "import multiprocessing, os, signal, threading, time\n"
        "from vzero import workers\n"
        "from vzero.config import Compute\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        "        with workers.pool(Compute(), processes=2) as completed:\n"
        "            results = completed(time.sleep, [(0,), (600,), (600,)])\n"
        "            next(results)\n"
        "            threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()\n"
        "            next(results)\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted', len(multiprocessing.active_children()))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, tmp_path / "main.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout == "interrupted 0\n"


def test_workers_end_with_a_killed_parent(tmp_path):
    note = tmp_path / "worker"
    (tmp_path / "jobs.py").write_text(
        "import os, pathlib, time\n"
        "def note(path):\n"
        "    pathlib.Path(path).write_text(str(os.getpid()))\n"
        "    time.sleep(600)\n"
    )
    (tmp_path / "main.py").write_text(
        "import jobs\n"
        "from vzero import workers\n"
        "from vzero.config import Compute\n"
        "if __name__ == '__main__':\n"
        "    with workers.pool(Compute(), processes=2) as completed:\n"
        f"        list(completed(jobs.note, [({str(note)!r},)] * 2))\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}
    parent = subprocess.Popen([sys.executable, tmp_path / "main.py"], env=environment)
    worker = wait_for(lambda: note.is_file() and note.read_text().isdigit() and int(note.read_text()))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert wait_for(lambda: not is_running(worker))


def wait_for(condition, seconds: float = 60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    return pytest.fail("waited too long")


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
