"""A pool of worker processes for jobs that touch pixels."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import TypeVar

import cv2

Result = TypeVar("Result")

AHEAD = 2  # jobs waiting for each process; bounds how much of the input is held in memory


def available_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def completed(
    function: Callable[..., Result], jobs: Iterable[tuple], *, processes: int | None = None
) -> Iterator[Result]:
    """Results of `function(*job)` as they become ready, in any order; the first error stops everything.

    Jobs are taken from the iterable only as fast as they are worked off. `processes` is by default the
    number of available processors; with 1 the jobs run here, one after the other.
    """
    processes = processes or available_processors()
    if processes == 1:
        yield from (function(*job) for job in jobs)
        return
    # A forked child may inherit a lock that a polars thread holds, so children start afresh.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare_worker)
    pending: set[Future[Result]] = set()
    try:
        for job in jobs:
            pending.add(pool.submit(function, *job))
            if len(pending) >= AHEAD * processes:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare_worker() -> None:
    cv2.setNumThreads(1)
    # The parent decides what an interrupt means; a worker alone would only print a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Without this, workers of a killed parent wait for their next job for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
