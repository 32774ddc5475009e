"""`vzero export model`: the folder that others get, its card with figures and the commit that made it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vzero.commands.handed_over import export_model
from vzero.errors import ConfigError, ProjectError
from vzero.models.hashing import folder_hash
from vzero.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A project of one commit with a trained model."""
    paths = Paths(tmp_path / "project")
    paths.trained_model.mkdir(parents=True)
    (paths.trained_model / "model.safetensors").write_bytes(b"weights")
    paths.trained_card.write_text("Of training.\n")
    for command in (["init"], ["add", "."], ["commit", "--message", "A model"]):
        who = ["-c", "user.name=n", "-c", "user.email=n@n"]
        subprocess.run(["git", *who, *command], cwd=paths.root, check=True, capture_output=True)
    return paths


def head(paths: Paths) -> str:
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=paths.root, text=True).strip()


def test_the_card_has_the_figures_of_these_weights_and_the_commit(paths: Paths, tmp_path: Path):
    weights = folder_hash(paths.trained_model)
    paths.report.mkdir(parents=True)
    paths.model_card.write_text(f"Of training, weights {weights}, and 97 % of it right.\n")
    assert export_model(paths, tmp_path / "out") == weights
    card = (tmp_path / "out/README.md").read_text()
    assert "97 % of it right" in card
    assert f"at commit `{head(paths)}` of the project and changes that are not in it." in card
    assert (tmp_path / "out/model.safetensors").read_bytes() == b"weights"
    assert paths.trained_card.read_text() == "Of training.\n"


def test_figures_of_other_weights_are_left_out(paths: Paths, tmp_path: Path):
    paths.report.mkdir(parents=True)
    paths.model_card.write_text("Weights 1234: 97 % right.\n")
    export_model(paths, tmp_path / "out")
    card = (tmp_path / "out/README.md").read_text()
    assert card.startswith("Of training.\n") and "97 %" not in card


def test_nothing_is_overwritten_and_nothing_comes_from_nothing(paths: Paths, tmp_path: Path):
    with pytest.raises(ConfigError, match="there already"):
        export_model(paths, paths.trained_model)
    with pytest.raises(ProjectError, match="run train first"):
        export_model(Paths(tmp_path / "empty"), tmp_path / "out")
