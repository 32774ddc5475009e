"""What a step costs: the seconds of its phases, what the models computed in them, labels, memory."""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import torch

from vzero.methods.base import Task
from vzero.tables import PHASES
from vzero.train.training_run import TrainingRun

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Cost:
    """Of a phase, on this process."""

    seconds: float
    flops: int
    positions: int
    """That language models computed, padding included (`vzero.models.work`)."""


class Meter:
    """Reads what the models of a run have cost since it was made, or last read."""

    def __init__(self, run: TrainingRun) -> None:
        models = [model for model in (run.student, run.teacher, run.reference) if model is not None]
        # The reference may be the teacher.
        self._works = list({id(model.work): model.work for model in models}.values())
        self._last = self._now()

    def read(self) -> Cost:
        before, self._last = self._last, self._now()
        return Cost(
            self._last.seconds - before.seconds,
            self._last.flops - before.flops,
            self._last.positions - before.positions,
        )

    def _now(self) -> Cost:
        flops = sum(work.flops for work in self._works)
        return Cost(time.perf_counter(), flops, sum(work.positions for work in self._works))


def amounts(costs: Mapping[str, Cost], tasks: Sequence[Task], *, labels: bool) -> dict[str, int]:
    """This process's part of the columns of `tables.TrainLog` that no clock and no answer tells.

    `labels`: whether samples' answers are people's, read for the method; what votes gave is not counted.
    """
    answered = {task.sample.sample_id for task in tasks if task.sample.answer is not None}
    labelled = answered if labels else ()
    flops = {f"{phase}_flops": cost.flops for phase, cost in costs.items()}
    positions = {f"{phase}_positions": cost.positions for phase, cost in costs.items()}
    return {**flops, **positions, "labels": len(labelled)}


def summed(parts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The sum of several processes' amounts, by name."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def totals(log: pl.DataFrame) -> dict[str, Any]:
    """The same of a whole run, from its `tables.TrainLog`."""

    def by_phase(what: str) -> dict[str, int]:
        return {phase: sum(map(int, log[f"{phase}_{what}"])) for phase in PHASES}

    return {
        "flops": by_phase("flops"),
        "positions": by_phase("positions"),
        "labels": int(log["labels"].sum()),
    }


def peak_memory() -> float:
    """The most memory that this process has held so far, in MiB: of its GPU, else of main memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / MEBIBYTE
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return resident * (1 if sys.platform == "darwin" else 1024) / MEBIBYTE  # bytes there, KiB elsewhere
