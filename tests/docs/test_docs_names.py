"""What the pages name exists: links, paths, parameters, commands; and their tables of names are complete."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from docs_blocks import PAGES, ROOT, prose
from docs_commands import check_command
from pydantic import BaseModel

from vzero.config import Params, SourceName, read_yaml
from vzero.config.data import Negative
from vzero.config.evaluate import ReaderName, WordingName
from vzero.config.methods import kinds
from vzero.config.methods.base import MethodSettings
from vzero.config.recipes import RECIPES

README_BYTES, PAGE_BYTES = 10_000, 12_000
LINK = re.compile(r"\]\(([^)]*)\)")
CODE = re.compile(r"`([^`]+)`")
PARAMETER = re.compile(rf"({'|'.join(Params.model_fields)})(\.[a-z_]+)+(?=$|: )")
PLACES = ("vzero", "flows", "tests", "bench", "configs", "docs", "notebooks")
WRITTEN = ("raw", "export", "bench", "models")  # folders of data/ that commands write which are no stage
COMMANDS = re.compile(r"(vzero|make|python -m|dvc repro|marimo) [^A-Z]*$")


def spans() -> list[tuple[str, str]]:
    """Every piece of inline code, with where it stands."""
    return [
        (f"{page.name}:{number}", span)
        for page in PAGES
        for number, line in prose(page)
        for span in CODE.findall(line)
    ]


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = [line.lstrip("# ") for _, line in prose(page) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_lead_to_what_exists(page: Path):
    for target in LINK.findall("\n".join(line for _, line in prose(page))):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        assert place.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(place), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_a_page_is_short(page: Path):
    bound = README_BYTES if page.name == "README.md" else PAGE_BYTES
    assert len(page.read_bytes()) <= bound


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_code_stands_in_fences_where_it_is_checked(page: Path):
    lines = prose(page)
    for (_, before), (number, line) in pairwise(lines):
        assert before or not line.startswith("    "), f"{page.name}:{number}: an indented block"
        assert "~~~" not in line and not line.lstrip().startswith("```"), f"{page.name}:{number}"


def test_paths_exist():
    made = {out.split("/")[1] for out in _outs(read_yaml(ROOT / "dvc.yaml")) if out.startswith("data/")}
    for where, span in spans():
        if re.search(r"[^\w./-]|[A-Z]{4,}(?!\.md)", span) or "/" not in span:
            continue
        top, second = span.split("/")[:2]
        if top in PLACES:
            assert (ROOT / span).exists(), f"{where}: {span}"
        elif top == "data":
            assert second in {*made, *WRITTEN}, f"{where}: {span}"


def _outs(tree: Any) -> list[str]:
    """Every out of the stages, metrics and plots included."""
    if isinstance(tree, dict):
        return [out for value in tree.values() for out in _outs(value)]
    if isinstance(tree, list):
        return [out for value in tree for out in _outs(value)]
    return [tree] if isinstance(tree, str) else []


def test_parameters_exist():
    named = [(where, span) for where, span in spans() if PARAMETER.match(span)]
    assert len(named) > 20
    for where, span in named:
        held: list[type[BaseModel]] = [Params]
        for part in span.partition(":")[0].split("."):
            fields = [model.model_fields[part] for model in held if part in model.model_fields]
            assert fields, f"{where}: {span}"
            held = [model for field in fields for model in _models(field.annotation)]
            if MethodSettings in held:  # which there are depends on the method
                held = [*kinds().values()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The section that a field holds, where it is one or may be one."""
    candidates = get_args(annotation) or (annotation,)
    return [one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)]


def test_commands_in_the_text_exist():
    named = [span for _, span in spans() if COMMANDS.match(span)]
    assert {"make bench", "vzero promote", "python -m flows.retrain"} <= set(named)
    for span in named:
        words = span.split()
        if words[0] == "vzero":  # named without their arguments
            words = [*words[:2], "--help"]
        check_command(words)


def first_cells(page: str, heading: str) -> set[str]:
    """Names in the first column of the table under this first heading cell."""
    lines = [line for _, line in prose(ROOT / page)]
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    cells = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells += CODE.findall(line.split("|")[1])
    return set(cells)


def test_tables_of_names_are_complete():
    assert first_cells("README.md", "`train.recipe`") == set(RECIPES)
    assert first_cells("docs/methods.md", "`train.recipe`") == set(RECIPES)
    assert first_cells("docs/methods.md", "`crops.negative`") == set(get_args(Negative))
    assert first_cells("docs/data.md", "`source`") == set(get_args(SourceName)) - {"table", "needle"}
    assert first_cells("docs/scoring.md", "reader") == set(get_args(ReaderName))
    deployments = read_yaml(ROOT / "prefect.yaml")["deployments"]
    named = {f"{one['entrypoint'].rpartition(':')[2]}/{one['name']}" for one in deployments}
    assert first_cells("docs/scheduling.md", "deployment") == named
    wordings = next(
        line for _, line in prose(ROOT / "docs/benchmarks.md") if line.startswith("- the wording")
    )
    assert set(CODE.findall(wordings)) == set(get_args(WordingName))
    stages = read_yaml(ROOT / "dvc.yaml")["stages"]
    of_selfplay = {name for name, stage in stages.items() if "selfplay" in str(stage.get("foreach"))}
    assert first_cells("README.md", "stage") == {n.partition("-")[0] for n in stages if n not in of_selfplay}
    assert first_cells("docs/selfplay.md", "stage") == of_selfplay


def test_the_picture_shows_what_the_gate_gives():
    """Log-probs are drawn 147 units a nat, weights 68 units for 1."""
    import torch

    from vzero.signals.evidence import GateConstants, gate

    drawn = (ROOT / "docs/gate.svg").read_text()
    right, wrong = (
        -torch.tensor(
            [[float(width)] for width in re.findall(rf'class="{name}" x="[^>]*width="([\d.]+)"', drawn)]
        )
        / 147
        for name in ("right", "wrong")
    )
    constants = GateConstants(gamma=1.0, alpha=0.5, w_min=0.0, w_max=2.0, eps=1e-6)
    weights = gate(right, wrong, torch.ones(3, 1), [0, 0, 0], constants).weights.tolist()
    bars = [float(width) / 68 for width in re.findall(r'<rect x="780" [^>]*width="([\d.]+)"', drawn)]
    said = [float(number) for number in re.findall(r">(\d\.\d\d)<", drawn)]
    assert said == [round(weight, 2) for weight in weights]
    assert bars == pytest.approx(weights, abs=0.01)
