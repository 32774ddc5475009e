"""Which modules of this package a module imports, directly or not: read from sources, nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent


def import_closure(module: str) -> dict[str, Path]:
    """The module itself and every one of the package that it imports, with their files, by name.

    An import inside a function counts; one for types only (`if TYPE_CHECKING:`) runs nothing and does not.
    Absolute imports are understood, which are all that the linter allows here.
    """
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = _file(name)
        if name in found or file is None:
            continue
        found[name] = file
        waiting += [name.rpartition(".")[0], *_imported(file)]
    return dict(sorted(found.items()))


def _imported(file: Path) -> Iterator[str]:
    """Names that may be modules; `from a import b` may mean the module `a.b`."""
    for node in _executed(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes below a module but those under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        types_only = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        children = node.orelse if types_only and isinstance(node, ast.If) else [node]
        for child in children:
            yield child
            yield from _executed(child)


def _file(name: str) -> Path | None:
    package, *inside = name.split(".")
    if package != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*inside)
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)
