"""The one place where work is handed to other processes, on this machine or on a Ray cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from vzero.config import Compute
from vzero.workers.local import local_pool
from vzero.workers.ray_cluster import ray_cluster

Result = TypeVar("Result")

__all__ = ["Completed", "pool"]


class Completed(Protocol):
    """Results of `function(*job)` as they become ready, in any order; the first error stops everything.

    Jobs are taken from the iterable only as fast as they are worked off. Functions must be importable
    elsewhere, and a job that is done twice must leave what it leaves when done once.
    """

    def __call__(self, function: Callable[..., Result], jobs: Iterable[tuple]) -> Iterator[Result]: ...


@contextlib.contextmanager
def pool(compute: Compute, *, processes: int | None = None) -> Iterator[Completed]:
    """Processes for as long as the block lasts, as `compute` says.

    `processes` of this machine are by default as many as there are processors; with 1 and the local engine
    the jobs run here, one after the other. A cluster at an address has the processes it has.
    """
    if compute.engine == "ray":
        with ray_cluster(compute.address, processes) as completed:
            yield completed
    else:
        with local_pool(processes) as completed:
            yield completed
