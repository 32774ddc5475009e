"""What `configs/experiments/NAME.yaml` says, typed and checked once.

A file may say `like: OTHER`: all that it does not say is as in `OTHER.yaml`, without arms that it gives as
null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from vzero.config import parse_params, read_yaml
from vzero.config.base import Fraction, NonNegative, Positive, Section
from vzero.config.errors import explain
from vzero.errors import ConfigError
from vzero.experiments.subjects import SUBJECTS, Kind, Subject
from vzero.overlays import merged
from vzero.report.names import REGION_BENCHMARKS, REGIONS

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Arm(Section):
    """One way of training: an overlay of params."""

    label: str
    """What the page calls it."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Over those of all arms."""


class Claim(Section):
    """That one arm ends above another, or above itself earlier."""

    better: str
    than: str
    than_at: NonNegative | None = None
    """The mark at which `than` is taken; null: the last."""
    on: str = REGIONS
    """A benchmark, or `regions`, the mean of the embedded ones that ask for a region."""
    by: float = 0.0
    """Points that it has to be above by."""


class Goal(Section):
    """An accuracy, and what arms spend until they reach it, compared with one of them."""

    accuracy: Fraction
    baseline: str
    on: str = REGIONS


class Experiment(Section):
    question: str
    rule: str
    """What decides, in words, written before the first cell runs."""
    of: Kind = "training"
    """training: the student learns in steps (`vzero train`). selfplay: Solvers learn in iterations."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Of all arms, over the project's params.yaml."""
    arms: Annotated[dict[str, Arm], Field(min_length=1)]
    """By a short name of lowercase letters, digits, `_` and `-`."""
    seeds: Annotated[list[NonNegative], Field(min_length=1)]
    """Of training, and in self-play of both roles; every arm is run with each."""
    marks: Annotated[list[Positive], Field(min_length=1)]
    """Steps after which the student is evaluated, ascending; the last one ends training. Of self-play, the
    iterations whose Solver is evaluated. Mark 0, the student as it was, is always there."""
    benchmarks: Annotated[list[str], Field(min_length=1)]
    budget_hours: Annotated[float, Field(gt=0)] | None = None
    """No cell is started that would probably end later; null: all are run."""
    claims: list[Claim] = Field(default_factory=list)
    """What is judged at the last mark."""
    goal: Goal | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Experiment:
        if problems := list(self._problems()):
            raise ValueError("; ".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        for name in self.arms:
            if not NAME.fullmatch(name):
                yield f"arms.{name}: a name has lowercase letters, digits, _ and - only"
        if len(set(self.seeds)) < len(self.seeds):
            yield "seeds: one is there twice"
        if self.marks != sorted(set(self.marks)):
            yield "marks: must ascend"
        named = [
            (f"claims.{number}.{field}", getattr(claim, field))
            for number, claim in enumerate(self.claims)
            for field in ("better", "than")
        ]
        places = [(f"claims.{number}.on", claim.on) for number, claim in enumerate(self.claims)]
        for number, claim in enumerate(self.claims):
            if claim.than_at not in (None, 0, *self.marks):
                marks = ", ".join(map(str, [0, *self.marks]))
                yield f"claims.{number}.than_at: {claim.than_at} is none of {marks}"
        if self.goal is not None:
            named.append(("goal.baseline", self.goal.baseline))
            places.append(("goal.on", self.goal.on))
        yield from _unknown(named, list(self.arms))
        yield from _unknown(places, self.scales)

    @property
    def subject(self) -> Subject:
        return SUBJECTS[self.of]

    @property
    def scales(self) -> list[str]:
        """What an accuracy may be of, the headline first: `regions`, where some ask for one, and each."""
        regions = [REGIONS] if set(self.benchmarks) & set(REGION_BENCHMARKS) else []
        return [*regions, *self.benchmarks]

    @property
    def headline(self) -> str:
        return self.scales[0]

    @property
    def baseline(self) -> str:
        """The arm that others are compared with: the goal's, or the first."""
        return self.goal.baseline if self.goal else next(iter(self.arms))

    def benchmarks_of(self, scale: str) -> list[str]:
        """The benchmarks whose mean a scale is."""
        return (
            [name for name in self.benchmarks if name in REGION_BENCHMARKS] if scale == REGIONS else [scale]
        )


def _unknown(found: list[tuple[str, str]], allowed: list[str]) -> Iterator[str]:
    for key, name in found:
        if name not in allowed:
            yield f"{key}: {name!r} is none of {', '.join(allowed)}"


def load_experiment(path: Path) -> Experiment:
    """Read and check a file. Raises ConfigError, which names the key and what is allowed."""
    tree = _tree(path)
    try:
        return Experiment.model_validate_json(json.dumps(tree, default=str), strict=True)
    except ValidationError as error:
        lines = [explain(problem, Experiment) for problem in error.errors()]
        raise ConfigError(f"{path}: " + "; ".join(lines)) from error


def _tree(path: Path) -> dict[str, Any]:
    """Of the file, over that of the experiment which it names as `like`."""
    tree = read_yaml(path)
    if (like := tree.pop("like", None)) is None:
        return tree
    others = sorted(other.stem for other in path.parent.glob("*.yaml") if other != path)
    if like not in others:
        raise ConfigError(f"{path}: like: {like!r} is none of {', '.join(others)}")
    other = read_yaml(path.with_name(f"{like}.yaml"))
    if "like" in other:
        raise ConfigError(f"{path}: like: {like} itself is like {other['like']}: name that one")
    like_it = merged(other, tree)
    arms = like_it.get("arms")
    if isinstance(arms, dict):
        like_it["arms"] = {name: arm for name, arm in arms.items() if arm is not None}
    return like_it


def arm_tree(experiment: Experiment, arm: str, params: dict[str, Any]) -> dict[str, Any]:
    """The project's params with the arm's over them, checked. Raises ConfigError, which names the arm."""
    overlays = {"params": experiment.params, f"arms.{arm}.params": experiment.arms[arm].params}
    subject, tree = experiment.subject, params
    for name, overlay in overlays.items():
        for key in subject.given:
            if _says(overlay, key):
                raise ConfigError(f"{name}: {key} is the experiment's to say, not an arm's")
        tree = merged(tree, overlay)
    asked = {"evaluate": {"benchmarks": experiment.benchmarks, "frozen": ["base"]}}
    if isinstance(tree.get("evaluate"), dict):
        tree = merged(tree, asked)
    parse_params(tree, origin=f"arms.{arm}")  # before a section that is none gets the experiment's keys
    for problem in subject.problems(tree, experiment.marks):
        raise ConfigError(f"arms.{arm}.params: {problem}")
    tree = merged(tree, subject.at(experiment.marks[-1]))
    tree = merged(tree, seeded(subject, experiment.seeds[0]))
    parse_params(tree, origin=f"arms.{arm}")
    return tree


def seeded(subject: Subject, seed: int) -> dict[str, Any]:
    """Parameters that are the cell's seed, as a tree."""
    tree: dict[str, Any] = {}
    for key in subject.seeds:
        *sections, name = key.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = seed
    return tree


def _says(overlay: dict[str, Any], key: str) -> bool:
    *sections, name = key.split(".")
    place: Any = overlay
    for section in sections:
        place = (place.get(section) if isinstance(place, dict) else None) or {}
    return isinstance(place, dict) and name in place
