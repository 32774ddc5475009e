"""Stage train from tables to tables."""

from __future__ import annotations

import polars as pl
import pytest
import torch
from command_line import vzero
from ruamel.yaml import YAML
from small_project import SETTINGS, settings

from vzero.config import Models
from vzero.errors import ChangedError, ConfigError
from vzero.models.loading import load_model
from vzero.paths import Paths
from vzero.rollout.table import logprobs, token_logprobs
from vzero.shards import read
from vzero.stages import train
from vzero.tables import Rollouts, TrainLog
from vzero.train import loop


def test_a_run_leaves_a_loadable_model_and_checked_tables(project: Paths):
    summary = train.run(settings(), project)
    assert summary["rollouts"] == 4 * 4 * 3
    trained = load_model(project.trained_model, Models())
    base = load_model(project.resolve(settings().models.student), Models())
    assert any(
        not torch.equal(a, b)
        for a, b in zip(trained.network.parameters(), base.network.parameters(), strict=True)
    )
    rollouts = Rollouts.validate(read(project.rollouts, Rollouts), cast=True)
    assert rollouts.height == 48
    seen = rollouts.select(
        "token_ids", logprobs("student", "full").alias("student"), logprobs("teacher", "positive")
    )
    lengths = seen.select(pl.all().list.len())
    assert all(len(set(row)) == 1 for row in lengths.iter_rows())
    log = TrainLog.validate(read(project.train_log, TrainLog), cast=True)
    assert log["step"].to_list() == [0, 1, 2, 3]
    weights = rollouts.group_by("step").agg(pl.col("weight").mean()).sort("step")["weight"]
    assert log["weight_mean"].to_list() == pytest.approx(weights.to_list(), abs=1e-5)


def test_without_the_gate_there_is_no_negative_view_and_every_weight_is_one(project: Paths):
    train.run(settings(method={"gate": {"enabled": False}}), project)
    rollouts = read(project.rollouts, Rollouts)
    assert rollouts["weight"].unique().to_list() == [1.0]
    assert token_logprobs(rollouts, "teacher", "negative").is_empty()


def test_tables_that_change_while_they_are_learnt_from_end_it(project: Paths, monkeypatch):
    """Another run may publish other crops under the same names."""

    def changing(*arguments):
        with (project.crops / "part-00000.parquet").open("ab") as file:
            file.write(b"others")
        return update(*arguments)

    update = loop.update
    monkeypatch.setattr(loop, "update", changing)
    with pytest.raises(ChangedError, match=r"changed while this run was reading it: one of .*crops"):
        train.run(settings(steps=1), project)
    assert not project.trained_model.exists()
    assert not list(project.scratch.glob("train/*/checkpoints/*"))


def test_groups_that_would_be_split_are_refused(project: Paths):
    with pytest.raises(ConfigError, match="mini_batches"):
        settings(prompts=4, mini_batches=3)


def test_a_recipe_can_be_named_on_the_command_line(project: Paths):
    YAML().dump(SETTINGS | {"train": SETTINGS["train"] | {"steps": 1}}, project.params)
    said = vzero("train", "--recipe", "sft", cwd=project.root).stdout
    assert "recipe sft" in said.splitlines()[-1]
