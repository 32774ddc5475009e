"""A cell is another one when something that reaches its result differs, and the same one otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from vzero.config import read_yaml
from vzero.experiments import cells as cells_module
from vzero.experiments.cells import Cell, cells
from vzero.experiments.settings import Experiment
from vzero.paths import Paths

ROOT = Path(__file__).parents[2]
EXPERIMENT = {
    "question": "Which?",
    "rule": "The higher one.",
    "arms": {"a": {"label": "A"}, "b": {"label": "B", "params": {"train": {"recipe": "opd"}}}},
    "seeds": [0, 7],
    "marks": [2, 4],
    "benchmarks": ["search"],
}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A project with other models than the shipped ones: they need not be loaded."""
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    for name in ("data/raw", "student", "teacher"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text(name)
    write(tmp_path)
    return Paths(tmp_path)


def write(root: Path, **changes: dict[str, Any]) -> None:
    tree = read_yaml(ROOT / "params.yaml")
    tree["models"] |= {"student": "student", "teacher": "teacher"}
    for section, values in changes.items():
        tree[section] |= values
    YAML().dump(tree, root / "params.yaml")


def found(paths: Paths, **changes: Any) -> dict[str, Cell]:
    cells_module._content.cache_clear()
    experiment = Experiment.model_validate(EXPERIMENT | changes)
    return {cell.name: cell for cell in cells(experiment, paths)}


def hashes(paths: Paths, **changes: Any) -> dict[str, str]:
    return {name: cell.params_hash for name, cell in found(paths, **changes).items()}


def test_every_arm_meets_every_seed_the_seeds_first(paths: Paths):
    of = found(paths)
    assert list(of) == ["a-0", "b-0", "a-7", "b-7"]
    assert {cell.params["train"]["seed"] for cell in of.values()} == {0, 7}
    assert len({cell.params_hash for cell in of.values()}) == 4
    assert len({cell.code_hash for cell in of.values()}) == 1


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"train": {"learning_rate": 1e-3}}, False),
        ({"crops": {"margin": 0.2}}, False),
        ({"evaluate": {"reader": "vzero"}}, False),
        (
            {"train": {"steps": 50, "seed": 3, "checkpoint_every": 5}},
            True,
        ),  # the experiment's, or of a machine
        ({"report": {"gallery": 3}, "compute": {"engine": "ray"}}, True),
        ({"ingest": {"gqa": {"images": "elsewhere"}}}, True),  # not the source that is read
    ],
)
def test_a_parameter_counts_where_it_reaches_the_result(
    paths: Paths, changes: dict[str, dict[str, Any]], same: bool
):
    before = hashes(paths)
    write(paths.root, **changes)
    after = hashes(paths)
    assert {before[name] == after[name] for name in before} == {same}


@pytest.mark.parametrize("place", ["data/raw/file", "student/file", "teacher/file", "data/raw/another"])
def test_data_and_models_count_by_their_contents(paths: Paths, place: str):
    before = hashes(paths)
    (paths.root / place).write_text("other")
    assert not set(hashes(paths).values()) & set(before.values())


def test_an_arms_other_parameters_are_its_own(paths: Paths):
    before = hashes(paths)
    arms = EXPERIMENT["arms"] | {"b": {"label": "other words", "params": {"train": {"recipe": "sft"}}}}
    after = hashes(paths, arms=arms)
    assert after["a-0"] == before["a-0"]
    assert after["b-0"] != before["b-0"]


def test_marks_and_benchmarks_count(paths: Paths):
    before = hashes(paths)
    for changes in ({"marks": [2, 5]}, {"benchmarks": ["search", "zoom"]}):
        assert not set(hashes(paths, **changes).values()) & set(before.values())


def test_a_copy_of_the_project_has_the_same_cells(paths: Paths, tmp_path_factory: pytest.TempPathFactory):
    copy = tmp_path_factory.mktemp("elsewhere") / "project"
    shutil.copytree(paths.root, copy)
    assert hashes(Paths(copy)) == hashes(paths)
