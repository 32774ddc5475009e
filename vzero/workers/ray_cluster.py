"""Jobs on a Ray cluster, for more machines than one.

What the jobs read and write is files, so every machine must have the project's folder at the same path, on a
file system they share. A job whose process or machine is lost is done again elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import cv2

from vzero.errors import ConfigError
from vzero.workers.completed import Completed
from vzero.workers.local import AHEAD, available_processors
from vzero.workers.memory import keep_freed_memory

Result = TypeVar("Result")

RETRIES = 3  # of a job whose process or machine was lost; errors that it raises itself are final
ANSWER_SECONDS = 10


@contextlib.contextmanager
def ray_cluster(address: str | None, processes: int | None) -> Iterator[Completed]:
    """The cluster at `address`, which must be up, or for None one of `processes` on this machine."""
    ray = _import_ray()
    connected_before = ray.is_initialized()
    if not connected_before:
        _connect(ray, address, processes)
    remote = ray.remote(num_cpus=1, max_retries=RETRIES, retry_exceptions=False)(_work)
    here = str(Path.cwd())
    pending: list[Any] = []

    def results(count: int) -> Iterator[Any]:
        """Of the jobs that are done, once fewer than `count` are not."""
        while len(pending) >= count:
            done, pending[:] = ray.wait(pending, fetch_local=False)
            for reference in done:
                try:
                    yield ray.get(reference)
                except ray.exceptions.RayTaskError as error:
                    raise error.cause from error

    def completed(function: Callable[..., Result], jobs: Iterable[tuple]) -> Iterator[Result]:
        for job in jobs:
            pending.append(remote.remote(here, function, *job))
            # Asked again each time: machines join and leave.
            yield from results(AHEAD * max(int(ray.cluster_resources().get("CPU", 1)), 1))
        yield from results(1)

    try:
        yield completed
    finally:
        for reference in pending:
            ray.cancel(reference, force=True)
        if not connected_before:
            ray.shutdown()


def _import_ray() -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when ray is imported; its processes inherit it
    try:
        import ray
    except ImportError as error:
        raise ConfigError("compute.engine ray needs the package ray: pip install 'vzero[ray]'") from error
    return ray


def _connect(ray: Any, address: str | None, processes: int | None) -> None:
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        number = processes or available_processors()
        ray.init(address="local", num_cpus=number, include_dashboard=False, **quiet)
        return
    try:
        if ":" in address:
            # Ray itself would try for minutes.
            host, port = address.rsplit(":", 1)
            socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
        ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"compute.address: no Ray cluster answers at {address}: {error}") from error


def _work(folder: str, function: Callable[..., Result], *job: Any) -> Result:
    """One job, in the folder that relative paths start from."""
    os.chdir(folder)
    cv2.setNumThreads(1)
    keep_freed_memory()
    return function(*job)
