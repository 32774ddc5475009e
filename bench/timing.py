"""Timing on a machine that does other things too: variants take turns, and the best round counts.

Whatever disturbs a measurement makes it slower, so the fastest round is the nearest to the truth; taking
turns spreads a disturbance over all variants. The first round also warms up and is hardly ever the fastest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def best_seconds(variants: Mapping[Name, Callable[[], float]], *, rounds: int) -> dict[Name, float]:
    """The seconds of each variant's best round. A variant does its work once and returns its seconds."""
    seen = [{name: work() for name, work in variants.items()} for _ in range(rounds)]
    return {name: min(seconds[name] for seconds in seen) for name in variants}


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """The same work, returning the seconds it took."""

    def run() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return run
