"""`vzero use`: an overlay changes values in params.yaml and nothing else about it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from vzero.cli import use as use_command
from vzero.commands.overlays import use
from vzero.config import Params, load_params
from vzero.errors import ConfigError
from vzero.overlays import Change

ROOT = Path(__file__).parents[2]
OVERLAYS = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.fixture
def params(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "params.yaml", tmp_path))


def overlay_of(folder: Path, text: str) -> Path:
    path = folder / "overlay.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_every_shipped_overlay_applies_and_can_be_undone(overlay: Path, params: Path, tmp_path: Path):
    before = params.read_text()
    changes = use(overlay, params)
    assert changes and load_params(params) != Params()
    assert use(overlay, params) == []
    undone: dict[str, Any] = {}
    for change in changes:
        *sections, name = change.key.split(".")
        place = undone
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = change.old
    undo = tmp_path / "undo.yaml"
    YAML().dump(json.loads(json.dumps(undone)), undo)
    use(undo, params)
    assert load_params(params) == Params()
    assert params.read_text().split() == before.split()


def test_null_takes_away_what_the_user_named(params: Path, tmp_path: Path):
    place = "mine: {kind: folder, path: data/raw}"
    use(overlay_of(tmp_path, f"selfplay: {{photographs: {{{place}}}}}\n"), params)
    assert list(load_params(params).selfplay.photographs) == ["mine"]
    gone = overlay_of(tmp_path, "selfplay: {photographs: {mine: null, other: null}}\n")
    assert [(change.key, change.new) for change in use(gone, params)] == [("selfplay.photographs.mine", None)]
    assert load_params(params) == Params()


def test_a_list_that_was_there_keeps_its_lines_and_comments(params: Path, tmp_path: Path):
    listed = "benchmarks:\n  - search   # the first\n  - coarse"
    params.write_text(re.sub(r"benchmarks: \[search[^\n]*", listed, params.read_text()))
    before = params.read_text()
    use(overlay_of(tmp_path, "train: {trackers: [tensorboard]}\nevaluate: {frozen: [base]}\n"), params)
    assert listed in before and listed in params.read_text()
    assert load_params(params).evaluate.frozen == ("base",)
    assert len(params.read_text().splitlines()) == len(before.splitlines())


def test_comments_and_order_stay_and_only_the_named_value_changes(params: Path, tmp_path: Path):
    before = params.read_text().splitlines()
    overlay = overlay_of(tmp_path, "train:\n  steps: 7\n  method: {gate: {alpha: 1.0}}\n")
    assert use(overlay, params) == [
        Change("train.steps", 100, 7),
        Change("train.method.gate.alpha", None, 1.0),
    ]
    after = params.read_text().splitlines()
    differing = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert differing == [("      alpha: null", "      alpha: 1.0"), ("  steps: 100", "  steps: 7")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train: {stesp: 7}", "unknown key 'train.stesp': did you mean 'steps'"),
        ("train: {steps: -7}", "train.steps: Input should be greater than 0"),
        ("train: 7", "train: expected a section"),
        ("train: {mini_batches: 3}", "mini_batches (3) must divide prompts (16)"),
        ("- train", "expected sections"),
    ],
)
def test_an_overlay_that_cannot_be_run_changes_nothing(
    params: Path, tmp_path: Path, text: str, expected: str
):
    before = params.read_bytes()
    overlay = overlay_of(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        use(overlay, params)
    assert expected in str(caught.value) and "overlay.yaml" in str(caught.value)
    assert params.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"params.yaml", "overlay.yaml"}


def test_the_command_prints_each_changed_key(
    params: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    overlay = overlay_of(tmp_path, "models: {precision: bf16}\ntrain: {learning_rate: 1.0e-6}\n")
    use_command(overlay)
    assert capsys.readouterr().out == (
        "models.precision: fp32 -> bf16\ntrain.learning_rate: 0.0003 -> 1e-06\n"
    )
    assert load_params(params).train.learning_rate == 1e-6
    use_command(overlay)
    assert "already says" in capsys.readouterr().out
