"""A training run shown as it goes in the trackers that `train.trackers` names.

What is logged are rows that the run has written into its tables. A tracker that fails neither stops nor
changes training: its first error is said, and it is left out from there on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dataframely as dy

from vzero.methods.base import Task
from vzero.shards import read, shard_path
from vzero.tables import Rollouts, TrainLog, TrainTimings
from vzero.train.shown import shown_of
from vzero.train.tracker_folders import look_at, tracker_folder
from vzero.train.tracker_kinds import KINDS, Start, Tracker


class Trackers:
    """Those of one run; on processes that write nothing there are none."""

    def __init__(self, names: Sequence[str], run: Path, scratch: Path, settings: Mapping[str, Any]) -> None:
        """`run` is the folder of the run's own tables, which names it; trackers write under `scratch`."""
        self.names, self.run, self.scratch, self.settings = names, run, scratch, settings
        self.at_work: dict[str, Tracker] = {}

    @contextmanager
    def following(self, first: int) -> Iterator[None]:
        """At work while the run makes its steps from `first` on."""
        for name in self.names:
            start = Start(tracker_folder(self.scratch, name), self.run.name, first, self.settings)
            with self._left_out_if_it_fails(name):
                if find_spec(name) is None:
                    raise ModuleNotFoundError(f"not installed: pip install {name}")
                self.at_work[name] = KINDS[name](start)
                print(f"train: tracker {name}: {look_at(self.scratch, name)}")
        try:
            yield
        finally:
            self._each(lambda tracker: tracker.finish())

    def log(self, step: int) -> None:
        """The scalars of a step that is written down: `train/loss`, `seconds/rollout`, ..."""
        if self.at_work:
            values = _row(self.run / "train_log", TrainLog, step, "train/{}")
            seconds = _row(self.run / "timings", TrainTimings, step, "seconds/{}")
            self._each(lambda tracker: tracker.log(values | seconds, step))

    def show(self, step: int, tasks: Sequence[Task]) -> None:
        """Some of a step's answers, and the pictures that they are about."""
        if self.at_work:
            rollouts = read(shard_path(self.run / "rollouts", step), Rollouts)
            shown = shown_of(rollouts, tasks)
            self._each(lambda tracker: tracker.show(shown, step))

    def _each(self, act: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self.at_work.items()):
            with self._left_out_if_it_fails(name):
                act(tracker)

    @contextmanager
    def _left_out_if_it_fails(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.at_work.pop(name, None)
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"train: warning: tracker {name} is left out: {reason}")


def _row(folder: Path, schema: type[dy.Schema], step: int, named: str) -> dict[str, float]:
    """The values of a step's row, without nulls."""
    row = read(folder, schema).filter(step=step).drop("step").row(0, named=True)
    return {
        named.format(name.removesuffix("_seconds")): value for name, value in row.items() if value is not None
    }
