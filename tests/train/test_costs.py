"""What a step costs is told by phase, is what torch counts, and adds up over steps and processes."""

from __future__ import annotations

import json

import polars as pl
import pytest
import torch
from accelerate import Accelerator
from small_project import settings
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vzero.shards import read
from vzero.stages import train
from vzero.tables import TrainLog, TrainTimings
from vzero.train.batches import load_samples, training_index
from vzero.train.costs import PHASES, Meter, peak_memory, summed, totals
from vzero.train.prompts import prepare
from vzero.train.scoring import score_step
from vzero.train.training_run import training_run
from vzero.train.update import update


@pytest.mark.parametrize("recipe", ["needle", "grpo", "sft"])
def test_a_run_tells_what_every_phase_computed_and_which_labels_were_read(project, recipe):
    train.run(settings(recipe=recipe, steps=2), project)
    log = read(project.train_log, TrainLog)
    busy = PHASES if recipe == "needle" else ("rollout", "update")
    for phase in PHASES:
        for what in ("flops", "positions"):
            assert (log[f"{phase}_{what}"] > 0).all() == (phase in busy)
    assert log["labels"].to_list() == ([4, 4] if recipe == "grpo" else [0, 0])
    summary = json.loads(project.train_summary.read_text())
    assert {name: summary[name] for name in ("flops", "positions", "labels")} == totals(log)
    assert summary["positions"]["update"] == log["update_positions"].sum()
    assert (read(project.train_timings, TrainTimings)["peak_memory"] > 100).all()


def test_phases_cost_together_what_torch_counts(models, project):
    """Torch takes the update's depthwise convolutions to be dense ones, so only what comes before it."""
    student, teacher = models
    run = training_run(student, teacher, settings(recipe="needle").train)
    samples = load_samples(project, training_index(project, run.method.roles)[[3, 1, 8, 20]])
    with FlopCounterMode(display=False) as seen, sdpa_kernel(SDPBackend.MATH):
        step = score_step(run, prepare(run, samples), step=0)
    costs = step.costs
    assert sum(cost.flops for cost in costs.values()) == pytest.approx(seen.get_total_flops(), rel=0.01)
    assert student.work.flops == costs["rollout"].flops
    assert teacher.work.flops == costs["replay"].flops
    meter = Meter(run)
    update(Accelerator(), run, step, torch.optim.SGD(student.network.parameters(), lr=0.1))
    # The same prompts and answers, three times as dear where they are learnt from; the rollouts' read-out is
    # of every token there as well, but their ended rows run on.
    assert 2 < meter.read().flops / costs["rollout"].flops < 4
    assert meter.read().flops == 0


def test_a_model_in_two_roles_is_read_once(models):
    student, teacher = models
    run = training_run(student, teacher, settings().train, reference=teacher)
    meter = Meter(run)
    teacher.work.flops += 7
    assert meter.read().flops == 7


def test_amounts_add_up_over_processes_and_over_steps():
    assert summed([{"update_flops": 2, "labels": 0}, {"update_flops": 3, "labels": 1}]) == {
        "update_flops": 5,
        "labels": 1,
    }
    # Together they are more than 64 bits hold.
    flops = {f"{phase}_flops": [2.0**62, 2.0**62, 2.0**62] for phase in PHASES}
    positions = {f"{phase}_positions": [1, 2, 3] for phase in PHASES}
    found = totals(pl.DataFrame(flops | positions | {"labels": [4, 4, 4]}))
    assert found["flops"] == dict.fromkeys(PHASES, 3 * 2**62)
    assert found["positions"] == dict.fromkeys(PHASES, 6)
    assert found["labels"] == 12


def test_peak_memory_is_in_mebibytes_and_never_falls():
    before = peak_memory()
    held = torch.ones(64 * 2**20)  # 256 MiB
    during = peak_memory()
    assert held[0] == 1
    del held
    assert 256 < during < before + 512
    assert peak_memory() >= during
