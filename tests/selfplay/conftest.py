"""The project of `two_iterations`: with its photographs, and played."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from two_iterations import play, scripted, settings

from vzero.paths import Paths
from vzero.stages import photographs


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its photographs."""
    root = tmp_path_factory.mktemp("selfplay")
    photographs.run(settings(), Paths(root), "drawn")
    return root


@pytest.fixture(scope="session")
def played(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Both iterations; who uses them shares the process that made them by xdist_group("selfplay")."""
    root = tmp_path_factory.mktemp("played") / "project"
    shutil.copytree(drawn, root)
    with scripted():
        play(settings(), Paths(root))
    return Paths(root)
