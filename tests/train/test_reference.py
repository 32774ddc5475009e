"""KL to the student at the start, and methods that need no crops."""

from __future__ import annotations

import shutil

import polars as pl
import pytest
from small_project import settings

from vzero.paths import Paths
from vzero.rollout.table import token_logprobs
from vzero.shards import read
from vzero.signals.policy import k3
from vzero.stages import train
from vzero.tables import Rollouts, TrainLog


@pytest.mark.parametrize(
    "recipe", ["needle", *(pytest.param(other, marks=pytest.mark.long) for other in ("grpo", "sft"))]
)
def test_the_start_is_kept_as_a_further_model_and_the_log_tells_the_distance(project: Paths, recipe):
    near = {"reference": {"coefficient": 0.5}}
    train.run(settings(recipe=recipe, steps=3, learning_rate=1e-2, method=near), project)
    log = read(project.train_log, TrainLog).sort("step")
    rollouts = read(project.rollouts, Rollouts).sort("step", "sample_id", "member")
    start = token_logprobs(rollouts, "reference", "full")
    assert len(start) == rollouts["token_ids"].list.len().sum()
    if recipe != "sft":
        own = token_logprobs(rollouts.filter(step=0), "student", "full")
        assert own.to_list() == pytest.approx(start[: len(own)].to_list(), abs=1e-4)
        assert log["reference_kl"][0] == pytest.approx(0.0, abs=1e-6)
        first = rollouts.filter(step=2)
        own, then = (
            token_logprobs(first, *key).to_torch() for key in (("student", "full"), ("reference", "full"))
        )
        assert log["reference_kl"][2] == pytest.approx(k3(own, then, clamp=10.0).mean().item(), rel=1e-5)
        assert log["reference_kl"][2] > 1e-5


def test_grpo_trains_where_there_are_no_crops(project: Paths):
    train.run(settings(recipe="grpo", steps=2), project)
    before = (project.trained_model / "model.safetensors").read_bytes()
    for folder in (project.scratch, project.crops):
        shutil.rmtree(folder)
    train.run(settings(recipe="grpo", steps=2), project)
    assert (project.trained_model / "model.safetensors").read_bytes() == before
    assert read(project.rollouts, Rollouts).select(pl.col("logprobs").list.len()).max().item() == 1
