"""An iteration whose roles are answered by servers, which change weights between Questioner and Solver."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal
from safetensors.torch import load_file
from sampler_double import served
from two_iterations import ROOT, SELFPLAY, play

from vzero.config import parse_params
from vzero.paths import Paths
from vzero.shards import read
from vzero.tables import Questions, Votes

PLAYER = str(ROOT / "vzero/needle/weights/player")
# What is decoded by itself rounds alike wherever that is.
ROLE = {"steps": 3, "prompts": 2, "mini_batches": 1, "group": 2, "micro_tokens": 1, "decode_tokens": 1}


def settings(**sampler):
    tree = SELFPLAY | {
        "iterations": {"1": {"questioner": PLAYER, "solver": PLAYER}},
        "voting": {"votes": 2, "max_new_tokens": 12},
        "questioner": ROLE | {"max_new_tokens": 120, "learning_rate": 1e-4},
        "solver": ROLE | {"max_new_tokens": 12, "learning_rate": 1e-4},
    }
    return parse_params({"selfplay": tree, "rollout": {"sampler": sampler}})


@pytest.mark.long
def test_an_iteration_is_the_same_with_answers_of_servers(drawn: Path, tmp_path: Path):
    alone, paths = Paths(tmp_path / "alone"), Paths(tmp_path / "served")
    for each in (alone, paths):
        shutil.copytree(drawn, each.root)
    play(settings(), alone, ["1"])
    with served(Path(PLAYER)) as server:
        play(settings(kind="server", urls=[server.url]), paths, ["1"])
        # For three steps of a Questioner and its voter, the questions, the votes, three steps of a Solver.
        assert server.counts["/collective_rpc"] == 6 + 2 + 3
    for stage, schema in (("questions", Questions), ("votes", Votes)):
        there, here = (read(each.selfplay(stage, "1") / stage, schema) for each in (paths, alone))
        assert there.height > 0
        assert_frame_equal(there, here, check_exact=True)
    for role in ("questioner", "solver"):
        weights = [load_file(each.selfplay(role, "1") / "model/model.safetensors") for each in (paths, alone)]
        assert all(weights[0][name].equal(weight) for name, weight in weights[1].items())
