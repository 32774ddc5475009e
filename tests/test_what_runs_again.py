"""The table of docs/what-runs-again.md, row by row, held against `dvc.yaml`."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from vzero.config import parse_params, read_yaml

ROOT = Path(__file__).parent.parent
STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]
SHIPPED = read_yaml(ROOT / "params.yaml")
ROWS = [
    line.split(" | ")
    for line in (ROOT / "docs/what-runs-again.md").read_text().splitlines()
    if line.startswith("| `")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_change_runs_what_the_table_says(row: list[str]):
    change, runs, _ = row
    assert changed_by(codes(change)) == set(codes(runs))
    assert bool(codes(runs)) == (runs != "nothing")


def test_the_table_has_every_section_and_every_stage():
    assert {code.split(".")[0] for row in ROWS for code in codes(row[0]) if ": " in code} == set(SHIPPED)
    assert {code for row in ROWS for code in codes(row[1])} >= set(STAGES)


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def changed_by(changes: list[str]) -> set[str]:
    """Stages whose parameters or files differ after changes `KEY: VALUE` or `FILE`; some cells by name."""
    tree = copy.deepcopy(SHIPPED)
    files = [change for change in changes if ": " not in change]
    for change in changes:
        if change not in files:
            key, _, value = change.partition(": ")
            *sections, name = key.split(".")
            value_at(tree, sections)[name] = YAML(typ="safe").load(value)
    parse_params(tree)
    assert all((ROOT / file).is_file() for file in files)
    before, after = dependencies(SHIPPED), dependencies(tree)
    changed = {stage for stage in after if before.get(stage) != after[stage] or reads(after[stage], files)}
    for stage in STAGES:
        cells = {cell for cell in after if cell.split("@")[0] == stage}
        if cells and cells <= changed:
            changed = changed - cells | {stage}
    return changed


def reads(stage: dict[str, Any], files: list[str]) -> bool:
    return any(file == dep or file.startswith(f"{dep}/") for file in files for dep in stage["deps"])


def dependencies(tree: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Command, files and parameters of every stage, a cell of a matrix by itself, as DVC resolves them."""
    found = {}
    for name, stage in STAGES.items():
        body = stage.get("do", stage)
        for cell, item in cells_of(stage, tree):
            known = tree | item
            keys = [filled(key, known) for key in body["params"]]
            found[f"{name}@{cell}" if cell else name] = {
                "deps": [filled(path, known) for path in body["deps"]],
                "params": {key: value_at(tree, key.split(".")) for key in keys},
            }
    return found


def cells_of(stage: dict[str, Any], tree: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What DVC calls each cell, and what it fills in there; a stage without cells is one with no name."""
    if "foreach" in stage:
        yield from ((key, {"key": key, "item": item}) for key, item in filled(stage["foreach"], tree).items())
        return
    matrix = {key: filled(values, tree) for key, values in stage.get("matrix", {}).items()}
    for cell in itertools.product(*matrix.values()):
        yield "-".join(cell), {"item": dict(zip(matrix, cell, strict=True))}


def filled(text: Any, tree: dict[str, Any]) -> Any:
    """A text with its `${key}`s replaced; the value itself where it is nothing else."""
    if isinstance(text, list):
        return text
    if whole := re.fullmatch(r"\$\{([^}]+)\}", text):
        return value_at(tree, whole[1].split("."))
    return re.sub(r"\$\{([^}]+)\}", lambda found: value_at(tree, found[1].split(".")), text)


def value_at(tree: dict[str, Any], keys: list[str]) -> Any:
    for key in keys:
        tree = tree[key]
    return tree


def test_dvc_resolves_the_stages_alike():
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        theirs = {
            stage.name: sorted(key for dep in stage.deps for key in getattr(dep, "params", ()))
            for stage in repo.index.stages
            if not stage.is_data_source
        }
    ours = {name: sorted(stage["params"]) for name, stage in dependencies(SHIPPED).items()}
    assert ours == theirs
