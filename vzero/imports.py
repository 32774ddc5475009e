"""Which code of this package a module runs: what it imports, directly or not, and the templates and tables
that this code names. Read from sources, nothing is run.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent
VERSION = PACKAGE / "__init__.py"  # a new version that changes no code is no reason to run anything again
RESOURCES = {".css", ".csv", ".jinja"}


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
        waiting += [name.rpartition(".")[0], *_imported(file), *_looked_up(name, file)]
    return dict(sorted(found.items()))


def code_files(module: str) -> set[Path]:
    """Files of code and resources that decide what a module does, in its closure of imports."""
    modules = {file for file in import_closure(module).values() if holds_code(file)} - {VERSION}
    return modules | _resources(modules)


def code_hash(module: str) -> str:
    """A hash of `code_files`, the same wherever the package lies."""
    contents = {
        str(file.relative_to(PACKAGE)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in code_files(module)
    }
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()


def holds_code(file: Path) -> bool:
    """Whether a module is more than its docstring."""
    body = ast.parse(file.read_bytes()).body
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body)


def _resources(modules: set[Path]) -> set[Path]:
    """Files without code that modules name, or other such files that are used."""
    files = [path for path in PACKAGE.rglob("*") if path.suffix in RESOURCES]
    found: set[Path] = set()
    while True:
        texts = [path.read_text(encoding="utf-8") for path in modules | found]
        named = {file for file in files if any(file.name in text for text in texts)}
        if named == found:
            return found
        found = named


def _imported(file: Path) -> Iterator[str]:
    """Names that may be modules; `from a import b` may mean the module `a.b`."""
    for node in _executed(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _looked_up(name: str, file: Path) -> Iterator[str]:
    """The modules of a package that goes through its own files, to find one by name."""
    if file.name == "__init__.py" and "import_module" in file.read_text(encoding="utf-8"):
        yield from (f"{name}.{module.stem}" for module in file.parent.glob("*.py") if module != file)


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
