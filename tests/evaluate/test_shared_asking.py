"""A benchmark answered by servers, and by several processes: the predictions are those of one process."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from killable import KILLED, KillableCommands
from launched_processes import WHOLE, launched_environments
from polars.testing import assert_frame_equal
from ruamel.yaml import YAML
from sampler_double import served
from small_project import SETTINGS
from tiny_models import save_tiny

from vzero.config import parse_params
from vzero.evaluate import predict
from vzero.evaluate.replies import known_replies
from vzero.paths import Paths
from vzero.shards import read
from vzero.stages import evaluate
from vzero.tables import Predictions

# What is decoded by itself rounds alike wherever that is.
ASKING = {"max_new_tokens": 5, "batch_tokens": 1, "temperature": 1.0, "seeds": [0, 1]}


@pytest.fixture(scope="module")
def alone(made_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Answered by one process, which decodes."""
    folder = tmp_path_factory.mktemp("alone") / "project"
    shutil.copytree(made_project, folder)
    run(Paths(folder))
    return Paths(folder)


def tree(**changes: Any) -> dict[str, Any]:
    return SETTINGS | {"evaluate": ASKING} | changes


def run(paths: Paths, model: str = "base", **changes: Any) -> None:
    evaluate.run(parse_params(tree(**changes)), paths, model, "search")


def by_server(url: str) -> dict[str, Any]:
    return {"rollout": {"sampler": {"kind": "server", "urls": [url]}}}


def assert_same_predictions(paths: Paths, alone: Paths, model: str = "base") -> None:
    tables = [read(each.predictions(model, "search"), Predictions) for each in (paths, alone)]
    assert tables[0]["text"].n_unique() > 1
    assert_frame_equal(*tables, check_exact=True)


def test_a_server_gives_the_predictions_of_the_process(project: Paths, alone: Paths, monkeypatch):
    monkeypatch.setattr(predict, "AT_SERVERS", 4)
    with served(project.root / "teacher") as server:
        # It has other weights when it is started.
        run(project, **by_server(server.url))
        answered = len(server.counts["answered"])
        # Replies are kept by who gave them; another reading of them asks nobody.
        run(project, **by_server(server.url), crops={"margin": 0.2})
        assert len(server.counts["answered"]) == answered > 0
    assert_same_predictions(project, alone)


def test_a_model_of_another_shape_than_servers_have_is_answered_for_here(project: Paths, tmp_path: Path):
    other = Paths(tmp_path / "other")
    shutil.copytree(project.root, other.root)
    for paths in (project, other):
        shutil.rmtree(paths.root / "teacher")
        save_tiny(paths.root / "teacher", seed=1, layers=4)
    run(other, "teacher")
    # Nobody is at this address.
    run(project, "teacher", **by_server("http://127.0.0.1:9"))
    assert_same_predictions(project, other, "teacher")


@pytest.mark.long
@pytest.mark.xdist_group("kills")
def test_two_processes_give_the_predictions_of_one(project: Paths, alone: Paths, commands: KillableCommands):
    YAML().dump(tree(), project.params)
    said = commands.finish(project, "evaluate", "base", "search", environments=launched_environments(WHOLE))
    assert said.count("evaluate base search:") == 1
    assert_same_predictions(project, alone)
    # Each asked its half.
    [store] = project.root.glob(".vzero/replies/search-*")
    assert (
        known_replies(store).height == known_replies(next(alone.root.glob(".vzero/replies/search-*"))).height
    )


@pytest.mark.long
@pytest.mark.xdist_group("kills")
def test_killed_they_go_on_where_they_were(project: Paths, alone: Paths, commands: KillableCommands):
    YAML().dump(tree(), project.params)
    command = ("evaluate", "base", "search")
    how = {"call": "vzero.evaluate.predict.add_replies:3"}
    assert commands.run(project, *command, environments=launched_environments(WHOLE), **how) == KILLED
    [store] = project.root.glob(".vzero/replies/search-*")
    kept = known_replies(store).height
    assert 0 < kept < known_replies(next(alone.root.glob(".vzero/replies/search-*"))).height
    commands.finish(project, *command)
    assert_same_predictions(project, alone)
