"""What git knows of a project's folder."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Commit:
    name: str
    """Its hash."""
    changed: bool
    """Whether files differ from it."""


def commit_of(root: Path, *, without: str | None = None) -> Commit | None:
    """The commit that a folder is at; None without git or a commit.

    What differs under the path `without`, relative to `root`, does not count as changed.
    """
    name = _git(root, "rev-parse", "HEAD")
    if name is None:
        return None
    places = [".", f":(exclude){without}"] if without else ["."]
    return Commit(name, bool(_git(root, "status", "--porcelain", "--", *places)))


def _git(root: Path, *arguments: str) -> str | None:
    """What git says; None where there is no git, or no repository."""
    try:
        ended = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return ended.stdout.strip() if ended.returncode == 0 else None
