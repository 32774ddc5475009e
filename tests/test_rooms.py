"""The house keeps its shape: no circles, no room that outgrows its idea, functions that fit a screen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parent.parent
ROOM_SHARE = 0.14  # of the package's lines
EVALUATE_LINES = 2_600
MODULE_LINES = 400
FUNCTION_LINES = 50
PARAMETERS = 6  # `self` and `cls` apart
FOLDERS = ("vzero", "flows", "bench", "tests", "notebooks")


@cache
def sources() -> dict[str, str]:
    """The text of every module of ours, by its path in the repository."""
    files = (file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py")))
    return {file.relative_to(ROOT).as_posix(): file.read_text() for file in files}


@dataclass(frozen=True)
class Function:
    place: str
    """Path, line and name."""
    lines: int
    parameters: int


@cache
def functions() -> list[Function]:
    """Every function and method, those inside others too. Syntax trees are not kept: they are large."""
    return [each for path, text in sources().items() for each in _functions_in(ast.parse(text), path)]


def _functions_in(tree: ast.AST, path: str) -> Iterator[Function]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield Function(f"{path}:{node.lineno} {node.name}", lines, _parameters(node.args))
        if not isinstance(node, ast.expr):  # which holds no statement, and most of the nodes
            yield from _functions_in(node, path)


def _parameters(declared: ast.arguments) -> int:
    names = [each.arg for each in (*declared.posonlyargs, *declared.args, *declared.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def lines_of_rooms() -> dict[str, int]:
    """Lines of the folders directly under `vzero`; the modules beside them are together under the name ''."""
    found: dict[str, int] = {}
    for path, text in sources().items():
        package, *inside = path.split("/")
        if package == "vzero":
            room = inside[0] if len(inside) > 1 else ""
            found[room] = found.get(room, 0) + len(text.splitlines())
    return found


def test_no_files_import_each_other_in_a_circle():
    """Imports for types only count: who needs them to be read needs them to be understood."""
    graph = grimp.build_graph("vzero", "flows", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    circle: list[str] = []
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        circle = error.args[1][::-1]
    assert not circle, f"{' imports '.join(circle)}: move what both need into a file of its own"


def test_no_room_outgrows_its_idea():
    lines = lines_of_rooms()
    most = int(ROOM_SHARE * sum(lines.values()))
    allowed = dict.fromkeys(lines.keys() - {""}, most) | {"evaluate": min(most, EVALUATE_LINES)}
    large = [
        f"vzero/{room}: {lines[room]:,} lines, {count:,} are allowed"
        for room, count in sorted(allowed.items())
        if lines[room] > count
    ]
    assert not large, f"{large}: split it into two rooms with one idea each, and add both to the layers"


def test_a_module_holds_one_idea():
    lengths = {path: len(text.splitlines()) for path, text in sources().items()}
    long = [f"{path}: {count} lines" for path, count in lengths.items() if count > MODULE_LINES]
    assert not long, f"{long}, {MODULE_LINES} are allowed: give its second idea a file of its own"


def test_a_function_fits_a_screen():
    long = [f"{each.place}: {each.lines} lines" for each in functions() if each.lines > FUNCTION_LINES]
    assert not long, f"{long}, {FUNCTION_LINES} are allowed: name a part of it and call that"


def test_a_function_takes_few_parameters():
    """Fields of dataclasses do not count, nor do the variables that the cells of a notebook read."""
    many = [
        f"{each.place}: {each.parameters} parameters"
        for each in functions()
        if each.parameters > PARAMETERS and not each.place.startswith("notebooks/")
    ]
    assert not many, f"{many}, {PARAMETERS} are allowed: find the object that its caller has in mind"
