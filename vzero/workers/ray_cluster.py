"""Jobs on a Ray cluster, for more machines than one.

What the jobs read and write is files, so every machine must have the project's folder at the same path, on a
file system they share. A job whose process or machine is lost is done again elsewhere.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import cv2

from vzero.config import ConfigError
from vzero.workers.local import AHEAD, available_processors

if TYPE_CHECKING:
    from vzero.workers import Completed

Result = TypeVar("Result")

RETRIES = 3  # of a job whose process or machine was lost; errors that it raises itself are final


@contextlib.contextmanager
def ray_cluster(address: str | None, processes: int | None) -> Iterator[Completed]:
    """The cluster at `address`, which must be up, or for None one of `processes` on this machine."""
    ray = _import_ray()
    if not ray.is_initialized():
        quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
        if address is None:
            own = {"num_cpus": processes or available_processors(), "include_dashboard": False}
            ray.init(address="local", **own, **quiet)
        else:
            try:
                ray.init(address=address, **quiet)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise ConfigError(f"compute.address: no Ray cluster answers at {address}: {error}") from error
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
        ray.shutdown()


def _import_ray() -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when ray is imported; its processes inherit it
    try:
        import ray
    except ImportError as error:
        raise ConfigError("compute.engine ray needs the package ray: pip install 'vzero[ray]'") from error
    return ray


def _work(folder: str, function: Callable[..., Result], *job: Any) -> Result:
    """One job, in the folder that relative paths start from."""
    os.chdir(folder)
    cv2.setNumThreads(1)
    return function(*job)
