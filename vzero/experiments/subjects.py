"""What is learnt in the cells of an experiment: a student in steps, or Solvers in iterations of self-play."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vzero.paths import Paths

Kind = Literal["training", "selfplay"]


@dataclass(frozen=True)
class Subject:
    unit: str
    """What marks count."""
    stages: tuple[str, ...]
    """That decide what a cell finds."""
    shared: tuple[str, ...]
    """What a cell brings up to date first: what cells have in common."""
    evaluated: str
    """The stage whose cells a mark needs."""
    seeds: tuple[str, ...]
    """Parameters that are the cell's seed."""
    given: tuple[str, ...]
    """Further ones that are the experiment's to say, and no arm's."""
    unnamed: tuple[str, ...]
    """Parameters that stages depend on and that make no other cell: the course of marks."""

    def at(self, mark: int) -> dict[str, Any]:
        """Parameters of a cell at a mark."""
        return {"train": {"steps": mark}} if self is TRAINING else {"selfplay": {"evaluated": [solver(mark)]}}

    def model(self, mark: int) -> str:
        """Which model is asked at a mark."""
        return "trained" if self is TRAINING else solver(mark)

    def logs(self, workspace: Paths, mark: int) -> Iterator[tuple[Path, Path]]:
        """The log and the timings of every training up to a mark; none of what was handed on untrained."""
        if self is TRAINING:
            yield workspace.train_log, workspace.train_timings
            return
        for iteration in map(str, range(1, mark + 1)):
            for role in ("questioner", "solver"):
                log = workspace.selfplay(role, iteration) / "train_log"
                if log.is_dir():
                    yield log, workspace.selfplay_timings(role, iteration)

    def models(self, tree: Mapping[str, Any]) -> Sequence[str]:
        """Folders of what a cell starts from."""
        named = [tree["models"]["student"], tree["models"]["teacher"]]
        if self is TRAINING:
            return named
        return [named[0], *tree["selfplay"]["iterations"]["1"].values()]

    def problems(self, tree: Mapping[str, Any], marks: Sequence[int]) -> Iterator[str]:
        """What an arm's params lack."""
        there = len((tree.get("selfplay") or {}).get("iterations") or {})
        if self is SELFPLAY and there < marks[-1]:
            yield f"selfplay.iterations has {there}, and the last mark is {marks[-1]}"


def solver(iteration: int) -> str:
    return f"solver-{iteration}"


COMMON = ("evaluate.benchmarks", "evaluate.frozen")
TRAINING = Subject(
    unit="step",
    stages=("ingest", "crops", "train", "evaluate"),
    shared=("crops", "evaluate-frozen"),
    evaluated="evaluate",
    seeds=("train.seed",),
    given=("train.steps", *COMMON),
    unnamed=("train.steps",),
)
SELFPLAY = Subject(
    unit="iteration",
    stages=(
        *("ingest", "photographs", "questioner", "questions", "votes", "solver"),
        "evaluate-solvers",
    ),
    shared=("photographs", "evaluate-frozen"),
    evaluated="evaluate-solvers",
    seeds=("selfplay.questioner.seed", "selfplay.solver.seed"),
    given=("selfplay.evaluated", *COMMON),
    unnamed=("selfplay.evaluated",),
)
SUBJECTS: dict[Kind, Subject] = {"training": TRAINING, "selfplay": SELFPLAY}
