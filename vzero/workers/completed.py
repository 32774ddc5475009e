"""How work is handed out, whichever processes do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Completed(Protocol):
    """Results of `function(*job)` as they become ready, in any order; the first error stops everything.

    Jobs are taken from the iterable only as fast as they are worked off. Functions must be importable
    elsewhere, and a job that is done twice must leave what it leaves when done once.
    """

    def __call__(self, function: Callable[..., Result], jobs: Iterable[tuple]) -> Iterator[Result]: ...
