"""A pool of processes on this machine, for jobs that touch pixels."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import TypeVar

import cv2

from vzero.workers.completed import Completed
from vzero.workers.memory import keep_freed_memory

Result = TypeVar("Result")

AHEAD = 2  # jobs waiting for each process; bounds how much of the input is held in memory


def available_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def local_pool(processes: int | None) -> Iterator[Completed]:
    """Processes of this machine; with 1 the jobs run here."""
    processes = processes or available_processors()
    if processes == 1:
        yield _one_after_the_other
        return
    # A forked child may inherit a lock that a polars thread holds, so children start afresh.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare_worker)

    def completed(function: Callable[..., Result], jobs: Iterable[tuple]) -> Iterator[Result]:
        pending: set[Future[Result]] = set()
        for job in jobs:
            pending.add(executor.submit(function, *job))
            if len(pending) >= AHEAD * processes:
                done, pending = _wait(pending)
                yield from (future.result() for future in done)
        while pending:
            done, pending = _wait(pending)
            yield from (future.result() for future in done)

    others = set(multiprocessing.active_children())
    try:
        yield completed
    except KeyboardInterrupt:
        # A shard of large photos takes minutes; whoever stops does not want to wait. Jobs can be done again.
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _wait(pending: set[Future[Result]]) -> tuple[set[Future[Result]], set[Future[Result]]]:
    """Futures that are ready, at least one, and those that are not."""
    while True:
        # With polars imported an interrupt does not end a wait, so each wait is short.
        done, rest = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        if done:
            return done, rest


def _one_after_the_other(function: Callable[..., Result], jobs: Iterable[tuple]) -> Iterator[Result]:
    yield from (function(*job) for job in jobs)


def _prepare_worker() -> None:
    cv2.setNumThreads(1)
    keep_freed_memory()
    # The parent decides what an interrupt means; a worker alone would only print a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Without this, workers of a killed parent wait for their next job for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
