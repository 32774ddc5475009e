"""Processes that were launched together, as `accelerate launch` starts them: who is who, and work in step."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, broadcast_object_list, gather_object

Result = TypeVar("Result")


def this_process() -> Accelerator:
    """This process among those that were launched together, if there are others.

    One that waits longer than this for another ends with an error; longer than a step's answers may take.
    """
    patience = InitProcessGroupKwargs(timeout=timedelta(minutes=30))
    return Accelerator(cpu=not torch.accelerator.is_available(), kwargs_handlers=[patience])


def join() -> None:
    """Meet the others, where there are any: for work that has no use for an accelerator otherwise."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        this_process()


def place() -> tuple[int, int]:
    """The number of this process, from 0, and of how many."""
    if not torch.distributed.is_initialized():
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def is_first() -> bool:
    """Whether this is the process that does what is to be done once."""
    return place()[0] == 0


def together(work: Callable[[], Result]) -> Result:
    """Do this process's part of the work; all wait for each other, and what fails on one fails on all."""
    done: Result | Exception
    try:
        done = work()
    except Exception as error:
        done = error
    if place()[1] == 1:
        if isinstance(done, Exception):
            raise done
        return done
    for failed in gather_object([done if isinstance(done, Exception) else None]):
        if failed is not None:
            raise failed
    assert not isinstance(done, Exception)
    return done


def once(work: Callable[[], Result]) -> Result:
    """Work that the first process does; all get its result, or its error. What it gives is pickled."""
    found: list[Any] = [together(lambda: work() if is_first() else None)]
    if place()[1] > 1:
        broadcast_object_list(found)
    return found[0]
