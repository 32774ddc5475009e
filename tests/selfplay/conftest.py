"""The project of `two_iterations`, with its photographs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from two_iterations import scripted, settings

from vzero.paths import Paths
from vzero.stages import photographs


@pytest.fixture(scope="module")
def scripted_module() -> Iterator[None]:
    with scripted():
        yield


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its photographs."""
    root = tmp_path_factory.mktemp("selfplay")
    photographs.run(settings(), Paths(root), "drawn")
    return root
