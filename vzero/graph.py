"""What `dvc.yaml` says of each stage, whether there is one of it or many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vzero.config import read_yaml


def stages_of(path: Path) -> dict[str, dict[str, Any]]:
    """Stages by name, with command, dependencies, parameters and outs; `foreach` beside those of its `do`."""
    return bodies(read_yaml(path)["stages"])


def bodies(stages: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The same of the section `stages`; what is changed in a body is changed in the section."""
    return {name: stage.get("do", stage) for name, stage in stages.items()}
