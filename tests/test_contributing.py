"""CONTRIBUTING.md held against the repository: the tree, the files that it names, the targets of make."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
PLACE = re.compile(r"^( *)(\w[\w.]*/?)(?:  +\S.*)?$", re.MULTILINE)


def tree() -> list[Path]:
    """The places of the annotated tree in their order, each under those that it is indented below."""
    [drawn] = re.findall(r"```\n(vzero/\n.*?)```", TEXT, re.DOTALL)
    places, above = [], {}
    for match in PLACE.finditer(drawn):
        depth, name = len(match[1]) // 2, match[2]
        above[depth] = above[depth - 1] / name if depth else Path(name)
        places.append(above[depth])
    return places


def test_the_tree_names_every_room_and_no_other():
    named = {ROOT / place for place in tree() if place.parts[0] == "vzero"}
    modules = {path for path in (ROOT / "vzero").glob("*.py") if path.name != "__init__.py"}
    folders = {path.parent for path in (ROOT / "vzero").rglob("*.py")}
    others = {ROOT / "vzero/needle/weights", ROOT / "vzero/commands/template"}
    assert named == modules | folders | others


def test_the_tree_runs_from_the_top_layer_to_the_bottom_one():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [contract["layers"] for contract in settings["contracts"] if "layers" in contract]
    rank = {room: number for number, layer in enumerate(layers) for room in layer.split(" : ")}
    ranks = [rank[place.stem] for place in tree() if place.parts[0] == "vzero" and len(place.parts) == 2]
    assert ranks == sorted(ranks) and len(ranks) == len(rank)


def test_files_that_it_names_are_there():
    named = set(re.findall(r"`([\w./-]+)`", TEXT)) | {str(place) for place in tree()}
    paths = {name for name in named if "/" in name and "NAME" not in name and not name.startswith("data/")}
    assert len(paths) > 40
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_targets_of_make_are_there():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"\bmake ([\w-]+)", TEXT))
    assert {"test", "lint", "deps"} <= named <= set(targets)
