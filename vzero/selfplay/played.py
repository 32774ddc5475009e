"""Iterations that have run, with all their tables, as people are told of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import polars as pl

from vzero.config import SelfPlay
from vzero.errors import ProjectError
from vzero.paths import Paths
from vzero.selfplay.chain import SUMMARY
from vzero.shards import read
from vzero.tables import Questions, SolverSet, TrainLog, Votes

ROLES = ("questioner", "solver")


@dataclass(frozen=True)
class Played:
    iteration: str
    questions: pl.DataFrame
    votes: pl.DataFrame
    solver_set: pl.DataFrame
    logs: dict[str, pl.DataFrame]
    """`train_log` by role; empty where the role was handed on untrained."""
    stopped: dict[str, str | None]
    """By role, why it stopped early or did not begin."""


def played(settings: SelfPlay, paths: Paths) -> list[Played]:
    """Iterations whose Solver is there, in order. Raises ProjectError where there are none."""
    found = [_read(name, paths) for name in settings.iterations if _summary("solver", name, paths).is_file()]
    if not found:
        raise ProjectError("no iteration of self-play has run: see selfplay.iterations, and run dvc repro")
    return found


def _read(iteration: str, paths: Paths) -> Played:
    def of(stage: str):
        return paths.selfplay(stage, iteration)

    stopped, logs = {}, {}
    for role in ROLES:
        stopped[role] = json.loads(_summary(role, iteration, paths).read_text())["stopped"]
        log = of(role) / "train_log"
        logs[role] = read(log, TrainLog).sort("step") if log.is_dir() else TrainLog.create_empty()
    return Played(
        iteration,
        read(of("questions") / "questions", Questions),
        read(of("votes") / "votes", Votes),
        read(of("solver") / "solver_set", SolverSet),
        logs,
        stopped,
    )


def _summary(role: str, iteration: str, paths: Paths):
    return paths.selfplay(role, iteration) / SUMMARY
