"""One cell: train to each mark in turn, evaluate there, and collect what was found.

All work is DVC's: `dvc repro` in the cell's workspace. So a cell that was killed takes up what was done, and
what another cell or the project has made from the same inputs is restored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import polars as pl

from vzero.errors import UserError
from vzero.experiments.cells import Cell
from vzero.experiments.settings import Experiment
from vzero.experiments.workspace import open_workspace, write_params
from vzero.guarded import run_module
from vzero.overlays import merged
from vzero.paths import Paths
from vzero.report.answers import answered, counted
from vzero.shards import read
from vzero.tables import PHASES, Predictions, TrainLog, TrainTimings

LOG = "log.txt"
ANSWERS = ["model", "benchmark", "item", "view", "group", "category", "answer", "hit", "cycle", "source"]
ANSWERS += ["l2_category"]
COUNTED = [f"{phase}_{what}" for phase in PHASES for what in ("flops", "tokens")]
"""Columns that are read."""
SHARED = Lock()
"""Held while a cell makes, or restores, what others have in common with it: it should be made once."""


class CellFailed(UserError):
    """A stage of a cell did not end well."""


@dataclass
class Found:
    """What a cell has shown so far."""

    curves: list[pl.DataFrame] = field(default_factory=list)
    costs: list[dict[str, Any]] = field(default_factory=list)
    labels: int = 0
    audits: list[dict[str, Any]] | None = None
    """None where nothing votes."""
    peak_memory: float = 0.0
    seconds: float = 0.0


def run_cell(cell: Cell, experiment: Experiment, project: Paths, folder: Path, cache: Path) -> Found:
    """Bring the workspace in `folder` to the last mark. Raises CellFailed with the complaint of a stage."""
    started = time.monotonic()
    workspace = open_workspace(project, folder, cache)
    subject, benchmarks = experiment.subject, experiment.benchmarks
    found = Found()
    with (folder / LOG).open("a", encoding="utf-8") as log:

        def reproduce(*stages: str) -> None:
            finished = run_module(workspace.root, "dvc", "repro", *stages, log=_into(log.write))
            log.flush()
            if finished.code:
                raise CellFailed(f"{_complaint(finished.output)} ({folder / LOG} has all of it)")

        write_params(workspace, cell.params)
        with SHARED:
            reproduce(*subject.shared)
        found.curves += _answers(workspace, "base", benchmarks, step=0)
        for mark in experiment.marks:
            write_params(workspace, merged(cell.params, subject.at(mark)))
            reproduce(subject.evaluated)
            found.curves += _answers(workspace, subject.model(mark), benchmarks, step=mark)
            _add_costs(found, list(subject.logs(workspace, mark)), mark)
    found.audits = subject.audits(workspace, cell.params)
    found.seconds = time.monotonic() - started
    return found


def _into(write: Callable[[str], Any]) -> Callable[[str], None]:
    return lambda line: write(f"{line}\n")


def _complaint(output: str) -> str:
    """What a person would look for in the output of a failed `dvc repro`."""
    lines = [line for line in output.splitlines() if line.startswith(("vzero: ", "ERROR: "))]
    return "; ".join(lines) or output[-500:].strip()


def _answers(workspace: Paths, model: str, benchmarks: list[str], *, step: int) -> Iterator[pl.DataFrame]:
    """Rows of tables.Curves without arm and seed."""
    for benchmark in benchmarks:
        predictions = read(workspace.predictions(model, benchmark), Predictions, ANSWERS)
        items = counted(answered(predictions, model, benchmark), benchmark)
        yield items.select(
            "item",
            "group",
            "category",
            score=pl.col("hit") * pl.col("weight"),
            step=pl.lit(step, pl.Int32),
            benchmark=pl.lit(benchmark),
        )


def _add_costs(found: Found, logs: Sequence[tuple[Path, Path]], mark: int) -> None:
    """What training has cost up to a mark, by phase: the logs with their timings."""
    columns = [*COUNTED, "labels"]
    log = _all(TrainLog.create_empty().select(columns), [read(each, TrainLog, columns) for each, _ in logs])
    timings = _all(TrainTimings.create_empty(), [read(each, TrainTimings) for _, each in logs])
    found.costs += [
        {
            "step": mark,
            "phase": phase,
            "seconds": timings[f"{phase}_seconds"].cast(pl.Float64).sum(),
            "flops": log[f"{phase}_flops"].sum(),
            "tokens": log[f"{phase}_tokens"].sum(),
        }
        for phase in PHASES
    ]
    found.labels = int(log["labels"].sum())
    found.peak_memory = timings.select(pl.max("peak_memory")).item() or 0.0


def _all(none: pl.DataFrame, tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """One table of several, or of none, which a role leaves that was handed on untrained."""
    return pl.concat([none, *tables], how="vertical_relaxed")
