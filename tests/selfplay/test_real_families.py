"""An iteration with tiny random models of real families, from photographs in a folder to a trained Solver."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest
from tiny_models import save_tiny
from two_iterations import SELFPLAY, play, scripted

from vzero.config import Params, parse_params
from vzero.models.hashing import folder_hash
from vzero.paths import Paths
from vzero.selfplay import polling
from vzero.shards import read
from vzero.stages import photographs
from vzero.tables import TrainLog
from vzero.voting.voters import Ask


def votes(_sampler: object, _model: object, asks: Sequence[Ask]) -> list[list[str]]:
    """What random models would hardly say: letters that differ from question to question."""
    return [[f"Answer: {'ABCD'[len(ask.view.words.text) % 4]}"] * ask.times for ask in asks]


def settings(root: Path, kind: str) -> Params:
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 255, (64, 80, 3), dtype=np.uint8)
        cv2.imwrite(str(root / f"photographs/{number}.png"), pixels)
    save_tiny(root / "base", kind)
    return parse_params(
        {
            "selfplay": SELFPLAY
            | {
                "photographs": {"mine": {"kind": "folder", "path": "photographs"}},
                "iterations": {"1": {"questioner": "base", "solver": "base"}},
                "voting": {"votes": 2, "max_new_tokens": 3, "permuted": False},
            },
        }
    )


@pytest.mark.parametrize("kind", [pytest.param("qwen2_5_vl", marks=pytest.mark.long), "qwen3_5"])
def test_an_iteration_trains_both_roles(tmp_path: Path, kind: str):
    (tmp_path / "photographs").mkdir()
    params, paths = settings(tmp_path, kind), Paths(tmp_path)
    photographs.run(params, paths, "mine")
    with scripted(), mock.patch.object(polling, "heard", votes):
        play(params, paths, ["1"])
    for role in ("questioner", "solver"):
        assert read(paths.selfplay(role, "1") / "train_log", TrainLog).height == 2
        assert folder_hash(paths.selfplay(role, "1") / "model") != folder_hash(tmp_path / "base")
