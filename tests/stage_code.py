"""The code that each stage of `dvc.yaml` depends on: `python -m tests.stage_code` writes the lists anew.

A stage depends on every module that it imports, now or later, and on the templates, styles and tables that
those modules name. A folder stands for all that it holds when all of it is used.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from vzero.graph import stages_of
from vzero.imports import code_files, holds_code

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "vzero"
DVC_YAML = ROOT / "dvc.yaml"


def module_of(stage: str) -> str:
    """`evaluate` and `evaluate-frozen` run the same module."""
    return f"vzero.stages.{stage.split('-')[0]}"


def code_of(stage: str) -> list[str]:
    """Files and folders of code as `dvc.yaml` should list them, in order."""
    return sorted(str(path.relative_to(ROOT)) for path in _folded(PACKAGE, code_files(module_of(stage))))


def _folded(folder: Path, used: set[Path]) -> list[Path]:
    held = {path for path in _files_in(folder) if _matters(path)}
    if held and held <= used:
        return [folder]
    inside = [path for path in folder.iterdir() if path.is_dir()]
    return [*(used & set(folder.iterdir())), *(path for place in inside for path in _folded(place, used))]


@cache
def _files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@cache
def _matters(path: Path) -> bool:
    return "__pycache__" not in path.parts and (path.suffix != ".py" or holds_code(path))


def listed_code(stage: str) -> list[str]:
    return [dep for dep in stages_of(DVC_YAML)[stage]["deps"] if dep.startswith("vzero/")]


def write_lists() -> None:
    """Put `code_of` every stage in the place of its lines; comments and all else stay."""
    text = DVC_YAML.read_text()
    for stage in stages_of(DVC_YAML):
        head, deps, tail = _parted(text, stage)
        indent = deps[0].partition("-")[0]
        others = [line for line in deps if not line.startswith(f"{indent}- vzero/")]
        text = "\n".join([head, *others, *(f"{indent}- {path}" for path in code_of(stage)), tail])
    DVC_YAML.write_text(text)


def _parted(text: str, stage: str) -> tuple[str, list[str], str]:
    """What is before, in and after the list of a stage's dependencies."""
    lines = text.split("\n")
    first = lines.index(f"  {stage}:")
    start = next(index for index in range(first, len(lines)) if lines[index].strip() == "deps:") + 1
    end = next(index for index in range(start, len(lines)) if not lines[index].strip().startswith("- "))
    return "\n".join(lines[:start]), lines[start:end], "\n".join(lines[end:])


if __name__ == "__main__":
    write_lists()
