"""The course of an experiment: which cells are missing, how long they will take, and each as it ends."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import polars as pl

from vzero.errors import UserError
from vzero.experiments.audits import audit_table
from vzero.experiments.cell_run import Found, run_cell
from vzero.experiments.cells import Cell
from vzero.experiments.machine import hardware
from vzero.experiments.results import add, done, read_runs, take_over, twin
from vzero.experiments.settings import Experiment
from vzero.experiments.tables import Runs
from vzero.experiments.workspace import shared_cache
from vzero.git import commit_of
from vzero.locks import held
from vzero.paths import Paths
from vzero.shards import discard, frame_of, read
from vzero.tables import PHASES, EvaluateTimings, TrainTimings

Say = Callable[[str], None]
HOUR = 3600.0


@dataclass(frozen=True)
class Ended:
    """How it went, by names of cells."""

    ran: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Those that the budget had no room for."""

    @property
    def count(self) -> int:
        return len(self.ran) + len(self.failed) + len(self.left)


@dataclass
class Clock:
    """Says how long a cell takes, first as others took, then as those of this course did."""

    guess: float | None
    budget: float | None
    taken: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def expected(self) -> float | None:
        return median(self.taken) if self.taken else self.guess

    def has_room(self) -> bool:
        """Whether a cell that starts now would probably end within the budget."""
        spent = time.monotonic() - self.started
        return self.budget is None or spent + (self.expected or 0.0) <= self.budget


def run_missing(
    name: str, experiment: Experiment, cells: list[Cell], paths: Paths, *, jobs: int, say: Say
) -> Ended:
    """Run the cells that are not among the results yet, `jobs` at once, and add each as it ends.

    A cell that fails is told and does not stop the others. Raises AtWork when this experiment is at work.
    """
    results, scratch = paths.experiment_results(name), paths.scratch / "experiments" / name
    missing = [cell for cell in cells if not (done(results, cell) or _taken_over(results, cell, say))]
    hours = experiment.budget_hours
    clock = Clock(expected_seconds(results, experiment, paths), hours * HOUR if hours else None)
    say(announcement(name, experiment, len(cells), len(missing), clock.expected, jobs))
    ended = Ended()
    if not missing:
        return ended
    made_by = {"commit": _commit(paths), "hardware": hardware()}
    with held(scratch, patience=0):
        cache = shared_cache(paths)

        def work(cell: Cell) -> Found:
            return run_cell(cell, experiment, paths, scratch / cell.name, cache)

        for cell, found in _at_once(work, missing, jobs, clock):
            if found is None:
                ended.left.append(cell.name)
                continue
            if isinstance(found, UserError | OSError):
                ended.failed.append(cell.name)
                say(f"{_progress(cell, ended, len(missing))} failed: {found}")
                continue
            if isinstance(found, BaseException):
                raise found
            audits = None if found.audits is None else audit_table(found.audits, cell.arm, cell.seed)
            add(results, cell, _run_row(cell, found, made_by), _curve_rows(cell, found), audits)
            discard(scratch / cell.name)
            clock.taken.append(found.seconds)
            ended.ran.append(cell.name)
            left = _duration(median(clock.taken) * (len(missing) - ended.count) / jobs)
            say(f"{_progress(cell, ended, len(missing))} took {found.seconds:.0f} s; {left} left")
    return ended


def _taken_over(results: Path, cell: Cell, say: Say) -> bool:
    """Whether another experiment has run this very cell; then its results are this one's, too."""
    other = twin(results, cell)
    if other is not None:
        take_over(results, cell, other)
        say(f"{results.name}: {cell.name} is {other.name} of {other.parent.name}")
    return other is not None


def expected_seconds(results: Path, experiment: Experiment, paths: Paths) -> float | None:
    """Of one cell: as earlier cells of this experiment took, else by the project's own last run."""
    earlier = read_runs(results)["seconds"]
    if len(earlier):
        return median(earlier)
    if experiment.of != "training" or not paths.train_timings.is_dir():
        return None
    phases = [f"{phase}_seconds" for phase in PHASES]
    step = read(paths.train_timings, TrainTimings, phases).sum_horizontal().mean()
    assert isinstance(step, float)
    cells = [paths.evaluate_timings("trained", benchmark) for benchmark in experiment.benchmarks]
    asked = sum(float(read(cell, EvaluateTimings)["seconds"].sum()) for cell in cells if cell.is_dir())
    return experiment.marks[-1] * step + len(experiment.marks) * asked


def announcement(
    name: str, experiment: Experiment, cells: int, missing: int, seconds: float | None, jobs: int
) -> str:
    """What there is to do, and for how long."""
    size = f"{name}: {cells} cells ({len(experiment.arms)} arms x {len(experiment.seeds)} seeds)"
    if not missing:
        return f"{size}, all done"
    if seconds is None:
        return f"{size}, {missing} to run; how long one takes shows when the first has ended"
    total = _duration(seconds * missing / jobs)
    return f"{size}, {missing} to run x about {seconds:.0f} s, {jobs} at once: {total}"


def _progress(cell: Cell, ended: Ended, missing: int) -> str:
    return f"cell {ended.count}/{missing}, {cell.name},"


def _duration(seconds: float) -> str:
    return f"about {math.ceil(seconds / 60)} min" if seconds < HOUR else f"about {seconds / HOUR:.1f} h"


def _at_once(
    work: Callable[[Cell], Found], cells: list[Cell], jobs: int, clock: Clock
) -> Iterator[tuple[Cell, Found | Exception | None]]:
    """Each cell with what came of it, as they end; None where there was no room for it any more.

    Daemon threads: when this process is interrupted nobody waits for them, and their commands end with it.
    """
    waiting: queue.SimpleQueue[Cell] = queue.SimpleQueue()
    ended: queue.SimpleQueue[tuple[Cell, Found | Exception | None]] = queue.SimpleQueue()
    for cell in cells:
        waiting.put(cell)

    def take() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                cell = waiting.get_nowait()
                try:
                    ended.put((cell, work(cell) if clock.has_room() else None))
                except Exception as error:
                    ended.put((cell, error))

    for _ in range(jobs):
        threading.Thread(target=take, daemon=True).start()
    for _ in cells:
        yield ended.get()


def _commit(paths: Paths) -> str:
    commit = commit_of(paths.root, without="experiments/results")
    return f"{commit.name}{'+' if commit.changed else ''}" if commit else ""


def _run_row(cell: Cell, found: Found, made_by: dict[str, str]) -> pl.DataFrame:
    """A row of tables.Runs."""
    row = made_by | {
        "arm": cell.arm,
        "seed": cell.seed,
        "params_hash": cell.params_hash,
        "code_hash": cell.code_hash,
        "finished_at": datetime.now(UTC),
        "seconds": found.seconds,
        "peak_memory": found.peak_memory,
        "labels": found.labels,
        "costs": found.costs,
    }
    return frame_of([row], Runs)


def _curve_rows(cell: Cell, found: Found) -> pl.DataFrame:
    """Rows of tables.Curves."""
    return pl.concat(found.curves).with_columns(arm=pl.lit(cell.arm), seed=pl.lit(cell.seed, pl.Int64))
