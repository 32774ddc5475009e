"""The deployments as docs/scheduling.md sets them up: an engine is killed, and its run taken up."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from vzero.guarded import environment

ROOT = Path(__file__).parents[2]
# Long enough to be killed in, and done at once by the run after it.
SLOW = """
import time
from pathlib import Path

if not Path("begun").exists():
    Path("begun").touch()
    time.sleep(600)
Path("data").mkdir(exist_ok=True)
Path("data/source").write_text("done")
"""

Command = Callable[..., subprocess.Popen]


@pytest.fixture
def project(toy: Path) -> Path:
    (toy / "stage.py").write_text(SLOW)
    (toy / "dvc.yaml").write_text(
        "stages: {source: {cmd: python stage.py, deps: [stage.py], outs: [data/source]}}"
    )
    shutil.copytree(ROOT / "flows", toy / "flows")
    shutil.copy(ROOT / "vzero/paths.py", toy / "vzero")
    for name in ("prefect.yaml", "prefect.toml"):
        shutil.copy(ROOT / name, toy)
    return toy


@pytest.fixture
def prefect(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Starts `prefect ARGUMENTS` in the project, with a server's address of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("prefect")
    url = f"http://127.0.0.1:{port}/api"
    settings = {"PREFECT_HOME": str(home), "PREFECT_API_URL": url, "VZERO_HOME": str(project)}
    settings |= {"PYTHONPATH": str(project), "PREFECT_SERVER_API_PORT": str(port)}
    started = []

    def start(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "prefect", *arguments]
        with (home / "said.txt").open("a") as said:
            process = subprocess.Popen(
                command, cwd=project, env=environment() | settings, stdout=said, stderr=said
            )
        started.append(process)
        return process

    with temporary_settings({PREFECT_API_URL: url}):
        yield start
    for process in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            tree = psutil.Process(process.pid)
            for each in [*tree.children(recursive=True), tree]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        process.wait()


def runs(flow: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        flows = {each.id: each.name for each in client.read_flows()}
        found = [run for run in client.read_flow_runs() if flows[run.flow_id] == flow]
    return sorted(found, key=lambda run: str(run.created))


def wait_for(what: Callable[[], object], seconds: float) -> float:
    """Waits until something is true; returns how long it took."""
    started = time.monotonic()
    while True:
        with contextlib.suppress(Exception):
            if what():
                return time.monotonic() - started
        assert time.monotonic() - started < seconds, "it never came"
        time.sleep(0.5)


def engines(worker: subprocess.Popen) -> list[psutil.Process]:
    children = psutil.Process(worker.pid).children()
    return [each for each in children if "prefect" in " ".join(each.cmdline()) and each.is_running()]


def states(flow: str) -> list[str]:
    return [run.state_type.value for run in runs(flow) if run.state_type]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("also", ["the engine alone", "the worker too"])
def test_a_killed_run_is_ended_and_taken_up_within_two_minutes(also: str, project: Path, prefect: Command):
    prefect("server", "start", "--host", "127.0.0.1")
    wait_for(lambda: get_client(sync_client=True).api_healthcheck() is None, 120)
    assert prefect("work-pool", "create", "local", "--type", "process").wait() == 0
    assert prefect("deploy", "--all", "--no-prompt").wait() == 0
    worker = prefect("worker", "start", "--pool", "local")
    assert prefect("deployment", "run", "retrain/nightly").wait() == 0
    wait_for(lambda: (project / "begun").exists(), 180)
    [engine] = engines(worker)
    below = engine.children(recursive=True)  # the guard, DVC and the stage
    killed = time.monotonic()
    if also == "the worker too":
        worker.kill()
    os.kill(engine.pid, signal.SIGKILL)
    if also == "the worker too":
        worker = prefect("worker", "start", "--pool", "local")

    assert len(below) >= 3
    assert not psutil.wait_procs(below, timeout=30)[1]
    wait_for(lambda: states("retrain")[0] == states("pipeline")[0] == "CRASHED", 120)
    ended = time.monotonic() - killed
    wait_for(lambda: states("retrain")[1] in ("RUNNING", "COMPLETED"), 120)
    taken_up = time.monotonic() - killed
    print(f"{also}: ended after {ended:.0f} s, taken up after {taken_up:.0f} s")
    assert ended <= taken_up < 120
    wait_for(lambda: states("retrain")[1] == "COMPLETED", 180)
    assert (project / "data/source").read_text() == "done"
    assert len(runs("retrain")) == 2
