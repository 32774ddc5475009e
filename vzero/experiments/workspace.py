"""A cell's own project: its params and its outputs, the user's data and models by links, and DVC's one cache.

Cells at work side by side never write into the same folder, and DVC restores from the shared cache what
another of them, or the project itself, has made from the same inputs. The code is copied, so that an edit
does not reach an experiment under way. `dvc exp run --temp` makes such folders too, but a new one every time,
so that a killed training begins anew (tried), and it refuses a clone whose outputs are not in the cache.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from vzero.errors import ProjectError
from vzero.graph import stages_of
from vzero.guarded import run_module
from vzero.paths import Paths
from vzero.shards import atomic_path, make_folder

CODE = "vzero"
OWN = {".dvc", ".git", ".venv", ".vzero", "data", "dvc.lock", "experiments", "params.yaml", CODE}
"""Names in the project's root that no link leads to."""


def shared_cache(project: Paths) -> Path:
    """The folder of the project's DVC cache. Raises ProjectError where there is none."""
    finished = run_module(project.root, "dvc", "cache", "dir", log=lambda line: None)
    if finished.code:
        raise ProjectError(f"{project.root.resolve()}: not a project of DVC: {finished.output.strip()}")
    return Path(finished.output.splitlines()[-1])


def open_workspace(project: Paths, folder: Path, cache: Path) -> Paths:
    """Make the folder a project like `project`, or bring it up to date; its outputs and checkpoints stay."""
    root = project.root.resolve()
    make_folder(folder / "data")
    _link_all(root, folder, without=OWN)
    _link_all(root / "data", folder / "data", without=_written(root))
    if (root / CODE).is_dir():
        shutil.rmtree(folder / CODE, ignore_errors=True)
        shutil.copytree(root / CODE, folder / CODE, ignore=shutil.ignore_patterns("__pycache__"))
    make_folder(folder / ".dvc")
    shutil.copyfile(root / ".dvc/config", folder / ".dvc/config")
    here = f"[core]\n    no_scm = true\n[cache]\n    dir = {cache}\n"
    (folder / ".dvc/config.local").write_text(here)
    return Paths(folder)


def write_params(workspace: Paths, tree: dict[str, Any]) -> None:
    with atomic_path(workspace.params) as temporary:
        YAML(typ="safe").dump(tree, temporary)


def _written(root: Path) -> set[str]:
    """Folders of `data` that stages write into."""
    outs = [out for stage in stages_of(root / "dvc.yaml").values() for out in stage["outs"]]
    return {Path(out).parts[1] for out in outs}


def _link_all(source: Path, folder: Path, *, without: set[str]) -> None:
    for entry in source.iterdir():
        link = folder / entry.name
        if entry.name in without or entry.name.startswith(".git"):
            continue
        if link.is_symlink():
            link.unlink()
        link.symlink_to(entry)
