"""Training with a server's answers: the same trajectory, and what ends it or does not."""

from __future__ import annotations

import pytest
from sampler_double import served
from small_project import SETTINGS

from vzero.config import parse_params
from vzero.shards import read
from vzero.stages import train
from vzero.tables import Rollouts, TrainLog


def test_smoke(project, tmp_path):
    import shutil
    from vzero.paths import Paths
    shutil.copytree(project.root, tmp_path / "other")
    other = Paths(tmp_path / "other")
    with served(project.root / "student") as server:
        print(server.url)
        tree = SETTINGS | {"rollout": {"sampler": {"kind": "server", "urls": [server.url]}}}
        train.run(parse_params(tree), project)
        print(server.counts)
    train.run(parse_params(SETTINGS), other)
    a, b = read(project.train_log, TrainLog), read(other.train_log, TrainLog)
    print(a["loss"].to_list(), b["loss"].to_list())
    print(a.select("mismatch","mismatch_largest","ratio_mean","ratio_cut"))
    assert a["loss"].to_list() == b["loss"].to_list()
