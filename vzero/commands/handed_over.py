"""The trained model as others get it: with its figures, and the commit that made it.

The stages know no commit: theirs are the same bytes whichever commit ran the same code. What leaves the
project says where it came from.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import vzero
from vzero.errors import ConfigError, ProjectError
from vzero.git import commit_of
from vzero.models.hashing import CARD, folder_hash
from vzero.paths import Paths
from vzero.shards import atomic_path, new_folder


def export_model(paths: Paths, out: Path) -> str:
    """Copy the trained model to the new folder `out`, with the whole card; the hash of its weights.

    Raises ProjectError when there is none, and ConfigError when `out` is there already.
    """
    if out.exists():
        raise ConfigError(f"{out}: there already; name a new folder with --out")
    if not paths.trained_model.is_dir():
        raise ProjectError(f"{paths.trained_model}: no trained model; run train first")
    with new_folder(out) as folder:
        shutil.copytree(paths.trained_model, folder, dirs_exist_ok=True)
        write_handed_over_card(folder, paths)
    return folder_hash(out)


def write_handed_over_card(folder: Path, paths: Paths) -> None:
    """Into a copy of the trained model: the report's card if it is about these weights, and the commit."""
    card = folder / CARD
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    if paths.model_card.is_file():
        measured = paths.model_card.read_text(encoding="utf-8")
        if folder_hash(folder) in measured:
            text = measured
    with atomic_path(card) as temporary:
        temporary.write_text(f"{text}\n## Made by\n{made_by(paths.root)}\n", encoding="utf-8")


def made_by(root: Path) -> str:
    """This version of the package, and the project's commit, where git tells one."""
    commit = commit_of(root)
    if commit is None:
        return f"vzero {vzero.__version__}, in a project without a commit."
    changed = " and changes that are not in it" if commit.changed else ""
    return f"vzero {vzero.__version__}, at commit `{commit.name}` of the project{changed}."
