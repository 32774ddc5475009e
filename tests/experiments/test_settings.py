"""`configs/experiments/NAME.yaml`: what is refused, by which words, and what an arm's params become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from vzero.config import read_yaml
from vzero.errors import ConfigError
from vzero.experiments.settings import Experiment, arm_tree, load_experiment
from vzero.experiments.subjects import SelfPlay
from vzero.paths import Paths

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "configs/experiments").glob("*.yaml"))
GOOD: dict[str, Any] = {
    "question": "Which?",
    "rule": "The higher one.",
    "arms": {"a": {"label": "A"}, "b": {"label": "B", "params": {"train": {"recipe": "opd"}}}},
    "seeds": [0, 1],
    "marks": [2, 4],
    "benchmarks": ["search", "coarse"],
}


def load(folder: Path, **changes: Any) -> Experiment:
    file = folder / "one.yaml"
    YAML().dump(GOOD | changes, file)
    return load_experiment(file)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arm": {}}, "unknown key 'arm': did you mean 'arms'?"),
        ({"arms": {"a": {"label": "A", "parms": {}}}}, "unknown key 'arms.a.parms': did you mean 'params'?"),
        ({"arms": {"A b": {"label": "A"}}}, "arms.A b: a name has lowercase letters"),
        ({"arms": {}}, "arms: Dictionary should have at least 1 item"),
        ({"seeds": [1, 1]}, "seeds: one is there twice"),
        ({"seeds": []}, "seeds: List should have at least 1 item"),
        ({"marks": [4, 2]}, "marks: must ascend"),
        ({"marks": [0, 2]}, "marks.0: Input should be greater than 0"),
        ({"budget_hours": 0.0}, "budget_hours: Input should be greater than 0"),
        ({"claims": [{"better": "a", "than": "c"}]}, "claims.0.than: 'c' is none of a, b"),
        (
            {"claims": [{"better": "a", "than": "b", "on": "zoom"}]},
            "claims.0.on: 'zoom' is none of regions, search, coarse",
        ),
        (
            {"claims": [{"better": "a", "than": "a", "than_at": 3}]},
            "claims.0.than_at: 3 is none of 0, 2, 4",
        ),
        ({"goal": {"accuracy": 0.9, "baseline": "x"}}, "goal.baseline: 'x' is none of a, b"),
        ({"goal": {"accuracy": 90, "baseline": "a"}}, "goal.accuracy: Input should be less than or equal to"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_key(tmp_path: Path, changes: dict[str, Any], words: str):
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, **changes)
    assert words in str(refused.value)


def test_an_experiment_may_be_like_another_but_for_what_it_says(tmp_path: Path):
    load(tmp_path, params={"evaluate": {"max_new_tokens": 8}})
    changes = {"params": {"evaluate": {"seed": 3}}, "seeds": [5], "arms": {"a": None}}
    YAML().dump({"like": "one"} | changes, tmp_path / "two.yaml")
    two = load_experiment(tmp_path / "two.yaml")
    assert two.params == {"evaluate": {"max_new_tokens": 8, "seed": 3}}
    assert (two.seeds, two.marks, list(two.arms)) == ([5], [2, 4], ["b"])


@pytest.mark.parametrize(
    ("like", "words"), [("three", "like: 'three' is none of one, two"), ("two", "two itself is like one")]
)
def test_what_an_experiment_cannot_be_like_is_refused(tmp_path: Path, like: str, words: str):
    load(tmp_path)
    YAML().dump({"like": "one"}, tmp_path / "two.yaml")
    YAML().dump({"like": like}, tmp_path / "last.yaml")
    with pytest.raises(ConfigError) as refused:
        load_experiment(tmp_path / "last.yaml")
    assert words in str(refused.value)


def test_regions_are_the_mean_of_the_benchmarks_that_ask_for_one(tmp_path: Path):
    assert load(tmp_path).scales == ["regions", "search", "coarse"]
    assert load(tmp_path, benchmarks=["search", "zoom"]).benchmarks_of("regions") == ["search", "zoom"]
    assert load(tmp_path, benchmarks=["coarse"]).headline == "coarse"


def test_an_arm_is_the_projects_params_with_its_own_over_them(tmp_path: Path):
    base = read_yaml(ROOT / "params.yaml")
    tree = arm_tree(load(tmp_path), "b", base)
    assert tree["train"] == base["train"] | {"recipe": "opd", "steps": 4, "seed": 0}
    assert tree["evaluate"] == base["evaluate"] | {"benchmarks": ["search", "coarse"], "frozen": ["base"]}
    assert tree["crops"] == base["crops"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"train": {"steps": 7}}, "arms.a.params: train.steps is the experiment's to say"),
        ({"train": None}, "arms.a: train: expected a section of keys and values"),
        ({"train": {"seed": 7}}, "arms.a.params: train.seed is the experiment's to say"),
        ({"train": {"recipe": "papr"}}, "arms.a: train.recipe: Input should be"),
        ({"train": {"recipe": "grpo", "method": {"gate": {"alpha": 1.0}}}}, "arms.a: train: unknown key"),
    ],
)
def test_an_arm_that_cannot_be_trained_is_refused_before_anything_runs(
    tmp_path: Path, params: dict[str, Any], words: str
):
    experiment = load(tmp_path, arms={"a": {"label": "A", "params": params}})
    with pytest.raises(ConfigError) as refused:
        arm_tree(experiment, "a", read_yaml(ROOT / "params.yaml"))
    assert words in str(refused.value)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_is_shipped_can_be_run(file: Path):
    experiment = load_experiment(file)
    for arm in experiment.arms:
        tree = arm_tree(experiment, arm, read_yaml(ROOT / "params.yaml"))
        if experiment.of == "training":
            assert tree["train"]["steps"] == experiment.marks[-1]
        else:
            assert tree["selfplay"]["evaluated"] == [f"solver-{experiment.marks[-1]}"]


ITERATED = {
    "photographs": {"drawn": {"kind": "needle", "path": "data/raw"}},
    "iterations": {"1": {"questioner": "models/base", "solver": "models/base"}},
}


def iterated(tmp_path: Path, marks: list[int], **selfplay: Any) -> Experiment:
    arms = {"a": {"label": "A", "params": {"selfplay": ITERATED | selfplay}}}
    return load(tmp_path, of="selfplay", arms=arms, marks=marks, seeds=[4])


def test_marks_of_self_play_are_iterations_and_seeds_those_of_both_roles(tmp_path: Path):
    tree = arm_tree(iterated(tmp_path, [1]), "a", read_yaml(ROOT / "params.yaml"))["selfplay"]
    assert tree["evaluated"] == ["solver-1"]
    assert tree["questioner"]["seed"] == tree["solver"]["seed"] == 4
    paths = Paths(tmp_path)
    for role in ("questioner", "solver"):
        (paths.selfplay(role, "1") / "train_log").mkdir(parents=True)
    (paths.selfplay("solver", "2") / "train_log").mkdir(parents=True)  # its Questioner was handed on
    logs = [log.parent.name for log, _ in SelfPlay().logs(paths, 2)]
    assert logs == ["questioner-1", "solver-1", "solver-2"]
    assert [SelfPlay().model(mark) for mark in (1, 2)] == ["solver-1", "solver-2"]


@pytest.mark.parametrize(
    ("marks", "selfplay", "words"),
    [
        ([1, 2], {}, "arms.a.params: selfplay.iterations has 1, and the last mark is 2"),
        ([1], {"solver": {"seed": 1}}, "arms.a.params: selfplay.solver.seed is the experiment's to say"),
        ([1], {"evaluated": ["solver-1"]}, "selfplay.evaluated is the experiment's to say"),
    ],
)
def test_an_arm_of_self_play_that_cannot_be_run_is_refused(
    tmp_path: Path, marks: list[int], selfplay: dict[str, Any], words: str
):
    with pytest.raises(ConfigError) as refused:
        arm_tree(iterated(tmp_path, marks, **selfplay), "a", read_yaml(ROOT / "params.yaml"))
    assert words in str(refused.value)
