"""A frozen model that three processes share scores as a whole one, however unequal their work is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lockstep_process import run
from tiny_models import save_tiny

from vzero.config import Models
from vzero.models.loading import load_model

HERE = Path(__file__).parent
PROCESSES = 3


@pytest.mark.long
@pytest.mark.parametrize("family", ["qwen3_5", "qwen3_vl", "qwen2_5_vl"])
def test_processes_with_three_passes_one_and_none_score_as_one_alone(family: str, tmp_path: Path):
    folder = save_tiny(tmp_path / "model", family)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(PROCESSES)}
    places = os.pathsep.join([str(HERE), str(HERE.parent), *sys.path])
    common |= {"PYTHONPATH": places, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE / "lockstep_process.py"), str(folder), str(tmp_path)]
    started = [
        subprocess.Popen(
            command, env=os.environ | common | {"RANK": rank, "LOCAL_RANK": rank}, stderr=subprocess.PIPE
        )
        for rank in map(str, range(PROCESSES))
    ]
    for process in started:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()
    alone = load_model(folder, Models(), device="cpu")
    for rank in range(PROCESSES):
        found = torch.load(tmp_path / f"{rank}.pt")
        expected = run(alone, rank)
        assert len(found["hidden"]) == len(expected)
        for ours, theirs in zip(found["hidden"], expected, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
        assert found["held"] < 0.8  # the tower and the output layer are whole
