"""The one place where work is handed to other processes, on this machine or on a Ray cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from vzero.config import Compute
from vzero.workers.completed import Completed
from vzero.workers.local import local_pool
from vzero.workers.ray_cluster import ray_cluster


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
