"""Two processes, as `accelerate launch` starts them, train a Questioner as one does; the player writes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from polars import selectors
from polars.testing import assert_frame_equal
from ruamel.yaml import YAML
from safetensors.torch import load_file

from vzero.config import parse_params
from vzero.paths import Paths
from vzero.shards import read
from vzero.stages import photographs, questioner
from vzero.tables import Rollouts, TrainLog

ROOT = Path(__file__).parents[2]
PLAYER = str(ROOT / "vzero/needle/weights/player")
LAUNCH = [
    *(sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch"),
    *("--config_file", str(ROOT / "configs/accelerate/cpu_2_processes.yaml"), "-m", "vzero"),
]
SETTINGS = {
    "selfplay": {
        "photographs": {"drawn": {"kind": "needle", "scenes": 12}},
        "iterations": {"1": {"questioner": PLAYER, "solver": PLAYER}},
        "voting": {"votes": 4},
        # A pass of one row rounds alike wherever it runs; gradients are added in another order.
        "questioner": {
            "steps": 2,
            "prompts": 4,
            "mini_batches": 1,
            "micro_tokens": 1,
            "decode_tokens": 1,
            "max_new_tokens": 128,
            "learning_rate": 1e-4,
        },
    }
}
TOLERANCE = 1e-5


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_questioner_learns_the_same_on_two_processes(tmp_path: Path):
    found = []
    for name in ("alone", "together"):
        paths = Paths(tmp_path / name)
        paths.root.mkdir()
        YAML().dump(SETTINGS, paths.params)
        photographs.run(parse_params(SETTINGS), paths, "drawn")
        found.append(paths)
    alone, together = found
    questioner.run(parse_params(SETTINGS), alone, "1")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*LAUNCH, "questioner", "1"], cwd=together.root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    folders = [paths.selfplay("questioner", "1") for paths in (alone, together)]
    weights = [load_file(folder / "model/model.safetensors") for folder in folders]
    for key, weight in weights[0].items():
        torch.testing.assert_close(weight, weights[1][key], rtol=0, atol=TOLERANCE, msg=key)
    rollouts = [read(folder / "rollouts", Rollouts).sort(Rollouts.primary_key()) for folder in folders]
    assert_frame_equal(*rollouts, abs_tol=TOLERANCE, rel_tol=TOLERANCE)
    assert rollouts[0]["confidence"].is_not_null().any(), "no question was put to the Solver"
    # Padding is counted among what was computed, which passes of other rows have more or less of.
    logs = [read(folder / "train_log", TrainLog) for folder in folders]
    logs = [log.drop(selectors.ends_with("_flops", "_positions")) for log in logs]
    assert_frame_equal(*logs, abs_tol=TOLERANCE, rel_tol=TOLERANCE)
