"""The cells of an experiment: an arm with a seed each, and the hash that says whether one is done already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vzero.config import read_yaml
from vzero.experiments.settings import Experiment, arm_tree, seeded
from vzero.experiments.subjects import Subject
from vzero.graph import stages_of
from vzero.imports import code_hash
from vzero.overlays import merged
from vzero.paths import Paths
from vzero.shards import content_hash


@dataclass(frozen=True)
class Cell:
    arm: str
    seed: int
    params: dict[str, Any]
    """The tree of its params.yaml, at the last mark."""
    params_hash: str
    """Of the parameters that reach its result, with marks, benchmarks, models and raw data."""
    code_hash: str
    """Of the code that its stages import."""

    @property
    def name(self) -> str:
        return f"{self.arm}-{self.seed}"


def cells(experiment: Experiment, paths: Paths) -> list[Cell]:
    """All of them, seed by seed, so that whatever is done first can be compared."""
    base = read_yaml(paths.params)
    code = stages_code(experiment.subject)
    trees = {arm: arm_tree(experiment, arm, base) for arm in experiment.arms}
    return [
        _cell(experiment, paths, arm, seed, merged(tree, seeded(experiment.subject, seed)), code)
        for seed in experiment.seeds
        for arm, tree in trees.items()
    ]


@cache
def stages_code(subject: Subject) -> str:
    """A hash of the code that decides what a cell finds, as it is when it is first asked for."""
    return _hash([code_hash(f"vzero.stages.{stage.partition('-')[0]}") for stage in subject.stages])


def _cell(experiment: Experiment, paths: Paths, arm: str, seed: int, tree: dict[str, Any], code: str) -> Cell:
    subject = experiment.subject
    models = [paths.resolve(Path(folder)) for folder in subject.models(tree)]
    decided_by = {
        "params": dict(_reaching(subject, tree, stages_of(paths.root / "dvc.yaml"))),
        "inputs": [_content(place) for place in (paths.raw, *models)],
        "marks": experiment.marks,
        "benchmarks": experiment.benchmarks,
    }
    return Cell(arm, seed, tree, _hash(decided_by), code)


def _reaching(subject: Subject, tree: dict[str, Any], stages: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The parameters that DVC follows for the stages of a cell, but for the course of marks, by name."""
    for stage in subject.stages:
        for listed in stages[stage]["params"]:
            if isinstance(listed, str) and listed != subject.course:
                key = listed.replace("${ingest.source}", tree["ingest"]["source"]).removesuffix(".${key}")
                yield key, _value(tree, key)


def _value(tree: dict[str, Any], key: str) -> Any:
    found: Any = tree
    for name in key.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


@cache
def _content(place: Path) -> str:
    """Read once a process: of raw data this is every byte."""
    return content_hash(place)


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
