"""What `dvc.yaml` says held against the code: places, parameters, and the import closure of every stage."""

from __future__ import annotations

import ast
import os
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest

from tests.stage_code import code_of, listed_code, module_of
from vzero.config import BENCHMARKS, EVALUATED_MODELS, Crops, NeedleSource, Params, read_yaml
from vzero.graph import stages_of
from vzero.imports import import_closure
from vzero.needle.benchmarks import benchmark_items
from vzero.paths import Paths

ROOT = Path(__file__).parent.parent
LOOKED_UP = {
    "vzero.methods",
    "vzero.config.methods",
    "vzero.windows",
}  # packages that find their files by name
DAG = read_yaml(ROOT / "dvc.yaml")
STAGES = stages_of(ROOT / "dvc.yaml")


def outs_of(stage: str) -> set[str]:
    """The stage's outs with the matrix filled in."""
    found = set()
    for out in STAGES[stage]["outs"]:
        for model in EVALUATED_MODELS:
            for benchmark in BENCHMARKS:
                found.add(out.replace("${item.model}", model).replace("${item.benchmark}", benchmark))
    return found


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("vzero", exclude_type_checking_imports=True)


def upstream(modules: set[str]) -> set[str]:
    """The modules and all that they import; a package that finds its files by name imports them all."""
    graph = imports()
    found = modules | {name for module in modules for name in graph.find_upstream_modules(module)}
    packages = {name.rpartition(".")[0] for name in found} | found
    by_name = {file for package in LOOKED_UP & packages for file in graph.find_children(package)}
    return found if by_name <= found else upstream(found | by_name)


@cache
def closure(stage: str) -> dict[str, Path]:
    """Every module that running the stage imports, with its file."""
    found = {}
    for name in upstream({module_of(stage)}):
        path = ROOT / name.replace(".", "/")
        found[name] = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found


@pytest.mark.parametrize(
    ("stage", "places"),
    [
        (
            "ingest",
            [
                "images",
                "samples",
                "rejects",
                "funnel",
                "cleanings",
                "objects",
                "benchmark_items",
                "overlaps",
                "ingest_summary",
            ],
        ),
        ("crops", ["crops", "crops_summary"]),
        ("quality", ["quality_report"]),
        ("train", ["trained_model", "rollouts", "train_log", "left_out", "train_summary", "train_timings"]),
        ("report", ["report", "report_timings"]),
    ],
)
def test_outs_are_where_the_code_writes(stage: str, places: list[str]):
    assert outs_of(stage) == {str(getattr(Paths(), place)) for place in places}


def test_every_evaluation_cell_is_an_out():
    cells = {
        str(place(model, name))
        for place in (Paths().evaluation, Paths().evaluate_timings)
        for model in EVALUATED_MODELS
        for name in BENCHMARKS
    }
    assert outs_of("evaluate") | outs_of("evaluate-frozen") == cells
    assert STAGES["evaluate"]["matrix"]["model"] == ["trained"]


def test_metrics_and_plots_lie_in_cached_outs_or_are_those_of_experiments():
    outs = {out for stage in STAGES for out in outs_of(stage)}
    plots = [place for each in DAG["plots"] for place in (each if isinstance(each, dict) else [each])]
    of_experiments = {
        str(Paths().experiment_metrics("any").parent),
        str(Paths().experiment_plots("any").parent),
    }
    for place in {*DAG["metrics"], *plots} - of_experiments:
        assert any(place == out or place.startswith(f"{out}/") for out in outs), place
    assert of_experiments <= {*DAG["metrics"], *plots}
    assert str(Paths().metrics) in DAG["metrics"] and str(Paths().plots) in plots


def test_nothing_costs_a_stage_its_run_cache():
    for stage in STAGES.values():
        assert stage["deps"], "a stage without dependencies has no run cache"
        assert all(isinstance(out, str) for out in stage["outs"]), "persist and cache: false switch it off"
        assert "always_changed" not in stage


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_code_that_it_imports_and_on_no_other(stage: str):
    assert listed_code(stage) == code_of(stage), "`make deps` writes the lists of dvc.yaml anew"


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_can_look_a_truth_up(stage: str):
    """What is true of written questions is for the audit alone."""
    assert not {"vzero.selfplay.truths", "vzero.selfplay.audit"} & set(closure(stage))


@pytest.mark.parametrize("stage", STAGES)
def test_the_code_that_names_a_run_is_what_the_stage_imports(stage: str):
    """Read by a graph of imports made otherwise; a package is imported before what lies in it."""
    found = import_closure(module_of(stage))
    assert found.items() >= closure(stage).items()
    packages = {parent for name in found for parent in (name, name.rpartition(".")[0])}
    assert {name for name in found if name not in closure(stage)} <= packages
    assert all(found[name].name == "__init__.py" for name in found if name not in closure(stage))


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_the_sections_that_the_stage_reads(stage: str):
    read = set()
    for file in closure(stage).values():
        read |= sections_read(ast.parse(file.read_text()))
    # Where the work is done is not what it depends on: another engine is no reason to do it again. A role of
    # self-play is trained as its own section says, put into the place of `train`.
    named = {param.split(".")[0] for param in STAGES[stage]["params"]}
    assert named == read - {"compute"} - ({"train"} if "selfplay" in named else set())


@pytest.mark.parametrize(
    "changed",
    [
        {"margin": 0.3},
        {"upscale": 1},
        {"min_side": 100},
        {"format": "jpeg"},
        {"negative": "masked"},
        {"negative_count": 3},
        {"max_overlap": 0.2},
        {"seed": 5},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_ingest_depends_on_what_cuts_the_crops_of_benchmarks_and_on_nothing_else_of_crops(
    changed: dict[str, Any],
):
    needle = NeedleSource(benchmark_questions=1)
    same = benchmark_items(needle, Crops(**changed)).equals(benchmark_items(needle, Crops()))
    assert same == (f"crops.{next(iter(changed))}" not in STAGES["ingest"]["params"])


def sections_read(tree: ast.AST) -> set[str]:
    """Sections taken from something called `params`: `params.train`, `inputs.params.train`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in Params.model_fields:
            owner: Any = node.value
            if "params" in (getattr(owner, "id", ""), getattr(owner, "attr", "")):
                found.add(node.attr)
    return found


def test_the_dvcignore_keeps_byte_code_out_of_folder_deps():
    assert "__pycache__/" in (ROOT / ".dvcignore").read_text().splitlines()


def test_the_workflow_runs_what_everyone_can_run():
    workflow = read_yaml(ROOT / ".github/workflows/ci.yml")
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert steps[0]["with"]["fetch-depth"] == 0, (
        "the pipeline is run in a clone, which a shallow one is no source for"
    )
