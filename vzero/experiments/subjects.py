"""What is learnt in the cells of an experiment: a student in steps, or Solvers in iterations of self-play."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from vzero.config import parse_params
from vzero.experiments.audits import cell_audits
from vzero.paths import Paths

Kind = Literal["training", "selfplay"]
COMMON = ("evaluate.benchmarks", "evaluate.frozen")


class Subject(ABC):
    unit: ClassVar[str]
    """What marks count."""
    stages: ClassVar[tuple[str, ...]]
    """That decide what a cell finds."""
    shared: ClassVar[tuple[str, ...]]
    """What a cell brings up to date first: what cells have in common."""
    evaluated: ClassVar[str]
    """The stage whose cells a mark needs."""
    seeds: ClassVar[tuple[str, ...]]
    """Parameters that are the cell's seed."""
    course: ClassVar[str]
    """The parameter that goes from mark to mark: the same cell has all its values."""

    @property
    def given(self) -> tuple[str, ...]:
        """Parameters that are the experiment's to say, and no arm's."""
        return (*self.seeds, self.course, *COMMON)

    @abstractmethod
    def at(self, mark: int) -> dict[str, Any]:
        """Parameters of a cell at a mark."""

    @abstractmethod
    def model(self, mark: int) -> str:
        """Which model is asked at a mark."""

    @abstractmethod
    def logs(self, workspace: Paths, mark: int) -> Iterator[tuple[Path, Path]]:
        """The log and the timings of every training up to a mark."""

    @abstractmethod
    def models(self, tree: Mapping[str, Any]) -> Sequence[str]:
        """Folders of what a cell starts from."""

    def audits(self, workspace: Paths, tree: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Rows of `vzero.experiments.audits.cell_audits`; None where nothing votes."""
        return None

    def problems(self, tree: Mapping[str, Any], marks: Sequence[int]) -> Iterator[str]:
        """What an arm's params lack."""
        yield from ()


class Training(Subject):
    """The stage `train`, whose later marks go on where earlier ones ended."""

    unit = "step"
    stages = ("ingest", "crops", "train", "evaluate")
    shared = ("crops", "evaluate-frozen")
    evaluated = "evaluate"
    seeds = ("train.seed",)
    course = "train.steps"

    def at(self, mark: int) -> dict[str, Any]:
        return {"train": {"steps": mark}}

    def model(self, mark: int) -> str:
        return "trained"

    def logs(self, workspace: Paths, mark: int) -> Iterator[tuple[Path, Path]]:
        yield workspace.train_log, workspace.train_timings

    def models(self, tree: Mapping[str, Any]) -> Sequence[str]:
        return [tree["models"]["student"], tree["models"]["teacher"]]


class SelfPlay(Subject):
    """Iterations of Questioner and Solver."""

    unit = "iteration"
    stages = ("ingest", "photographs", "questioner", "questions", "votes", "solver", "evaluate-solvers")
    shared = ("photographs", "evaluate-frozen")
    evaluated = "evaluate-solvers"
    seeds = ("selfplay.questioner.seed", "selfplay.solver.seed")
    course = "selfplay.evaluated"

    def at(self, mark: int) -> dict[str, Any]:
        return {"selfplay": {"evaluated": [self.model(mark)]}}

    def model(self, mark: int) -> str:
        return f"solver-{mark}"

    def logs(self, workspace: Paths, mark: int) -> Iterator[tuple[Path, Path]]:
        """Of both roles; none of what was handed on untrained."""
        for iteration in map(str, range(1, mark + 1)):
            for role in ("questioner", "solver"):
                log = workspace.selfplay(role, iteration) / "train_log"
                if log.is_dir():
                    yield log, workspace.selfplay_timings(role, iteration)

    def models(self, tree: Mapping[str, Any]) -> Sequence[str]:
        return [tree["models"]["student"], *tree["selfplay"]["iterations"]["1"].values()]

    def audits(self, workspace: Paths, tree: Mapping[str, Any]) -> list[dict[str, Any]]:
        return cell_audits(parse_params(dict(tree)).selfplay, workspace)

    def problems(self, tree: Mapping[str, Any], marks: Sequence[int]) -> Iterator[str]:
        there = len((tree.get("selfplay") or {}).get("iterations") or {})
        if there < marks[-1]:
            yield f"selfplay.iterations has {there}, and the last mark is {marks[-1]}"


SUBJECTS: dict[Kind, Subject] = {"training": Training(), "selfplay": SelfPlay()}
