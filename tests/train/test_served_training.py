"""Training with answers of a server: the same trajectory as in the process, and what ends it or does not.

The server is `tests/sampler_double.py`, which draws as our decoder does.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
import torch
from accelerate import Accelerator
from killable import KILLED, KillableCommands
from launched_processes import SHARDED, WHOLE, launched_environments
from polars.testing import assert_frame_equal
from ruamel.yaml import YAML
from safetensors.torch import load_file
from sampler_double import Served, served
from small_project import SETTINGS

from vzero.config import Params, parse_params
from vzero.errors import SamplerError
from vzero.paths import Paths
from vzero.rollout.server.servers import Servers
from vzero.shards import read
from vzero.stages import train
from vzero.tables import Rollouts, TrainLog
from vzero.train.batches import load_samples, training_index
from vzero.train.prompts import prepare
from vzero.train.records import agreement
from vzero.train.scoring import score_step
from vzero.train.training_run import training_run
from vzero.train.update import update

OF_THE_SAMPLER = ("mismatch", "mismatch_largest", "ratio_mean", "ratio_cut")
# A prompt that is decoded by itself rounds alike wherever that is.
ALONE = {"micro_tokens": 1, "decode_tokens": 1}
OF_LOGPROBS = ("entropy", "teacher_gap")
COUNTED = ("flops", "positions")  # in another process


@pytest.fixture(scope="module")
def untouched(made_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """The run of the default recipe with answers of the process."""
    return trained_here(made_project, tmp_path_factory.mktemp("untouched"))


def trained_here(made: Path, folder: Path, **changes: Any) -> Paths:
    shutil.copytree(made, folder / "alone")
    train.run(settings(**changes), Paths(folder / "alone"))
    return Paths(folder / "alone")


def settings(url: str | None = None, **changes: Any) -> Params:
    tree = SETTINGS | {"train": SETTINGS["train"] | ALONE | changes}
    if url is not None:
        tree |= {"rollout": {"sampler": {"kind": "server", "urls": [url]}}}
    return parse_params(tree)


def weights(paths: Paths) -> bytes:
    return (paths.trained_model / "model.safetensors").read_bytes()


def rollouts(paths: Paths) -> pl.DataFrame:
    return read(paths.rollouts, Rollouts).sort(Rollouts.primary_key())


def faulty_load(server: Served, number: int, kind: str) -> mock._patch:
    """The server does not read the weights it is given at some update."""
    load, loads = Servers.load, iter(range(1, 100))

    def wrong(self: Servers, given: Any) -> None:
        if next(loads) == number:
            server.fault(kind)
        load(self, given)

    return mock.patch.object(Servers, "load", wrong)


def test_the_trajectory_is_that_of_answers_in_the_process(project: Paths, untouched: Paths):
    with served(project.root / "student") as server:
        train.run(settings(server.url), project)
        assert server.counts["/inference/v1/generate"] == 4 * 4
    assert_same_trajectory(project, untouched)
    said = rollouts(project)["logprobs"].list.last().struct.unnest()
    decoded = rollouts(untouched)["logprobs"].list.first().struct.unnest()
    assert set(said["model"].cast(pl.String)) == {"sampler"}
    assert said["values"].to_list() == decoded["values"].to_list()


@pytest.mark.long
@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": "needle", "mini_batches": 2},
        {"recipe": "released", "mini_batches": 2},
        {"recipe": "sft"},
        {"recipe": "grpo", "temperature": 0.7},
    ],
    ids=str,
)
def test_so_it_is_with_other_recipes(changes, project: Paths, made_project: Path, tmp_path: Path):
    alone = trained_here(made_project, tmp_path, **changes)
    with served(project.root / ("teacher" if changes["recipe"] == "sft" else "student")) as server:
        train.run(settings(server.url, **changes), project)
    assert_same_trajectory(project, alone)


def assert_same_trajectory(paths: Paths, alone: Paths) -> None:
    """Weights, answers and losses to the last digit.

    Recorded log-probs are our replay's; those of answers of the process are what they were decoded with.
    """
    assert weights(paths) == weights(alone)
    logs = [read(each.train_log, TrainLog) for each in (paths, alone)]
    told = logs[0].select(OF_THE_SAMPLER)
    assert told["mismatch"].max() < 1e-5
    assert told["ratio_mean"].to_list() == [1.0] * 4
    logs = [log.drop(*OF_THE_SAMPLER, pl.selectors.contains(*COUNTED)) for log in logs]
    assert_frame_equal(*(log.drop(OF_LOGPROBS) for log in logs), check_exact=True)
    assert_frame_equal(*(log.select(OF_LOGPROBS) for log in logs), abs_tol=1e-5)
    assert_frame_equal(*(rollouts(each).drop("logprobs") for each in (paths, alone)), check_exact=True)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["stale", "half loaded"])
def test_weights_that_the_server_has_not_read_end_the_run_and_nothing_is_lost(
    kind: str, project: Paths, untouched: Paths
):
    """Found at the first answers with them, before anything is learnt of these."""
    with served(project.root / "student") as server:
        with faulty_load(server, 4, kind), pytest.raises(SamplerError, match=r"max_mismatch allows 0\.002"):
            train.run(settings(server.url), project)
        assert not project.trained_model.exists()
        [kept] = project.scratch.glob("train/*/checkpoints/*")
        assert kept.name == "step-000003"  # between two that are saved anyway
        train.run(settings(server.url), project)
    assert weights(project) == weights(untouched)


def test_what_is_learnt_of_a_token_is_multiplied_by_the_truncated_ratio(models, project: Paths):
    """Against gradients of one term summed token by token."""
    student, teacher = models
    params = settings(recipe="released", max_grad_norm=1e9)
    samples = load_samples(
        project, training_index(project, ("full", "positive", "negative"), labels=False)[:4]
    )
    run = training_run(student, teacher, params.train)

    class Off:
        """Says log-probs that are off by up to a nat."""

        exact = False

        def follow(self, student):
            pass

        def answers(self, prompts, group, sampling, seeds):
            found = run.sampler.answers(prompts, group, sampling, seeds)
            for rollout in (each for siblings in found for each in siblings):
                rollout.logprobs[:] = [p - (n % 3 - 1) for n, p in enumerate(rollout.logprobs)]
            return found

    step = score_step(
        replace(run, sampler=Off(), max_mismatch=1.0, max_ratio=2.0), prepare(run, samples), step=0
    )
    expected = torch.tensor([0.36788, 1.0, 2.0, 0.36788, 1.0])  # e^-1; e is cut to 2
    for row, mask in zip(step.scored.ratio, step.scored.mask.bool(), strict=True):
        torch.testing.assert_close(row[mask], expected[: int(mask.sum())], atol=1e-4, rtol=0)
    told = agreement(step.mismatch)
    assert told["mismatch_largest"] == pytest.approx(1.0, abs=1e-4)
    assert told["ratio_cut"] == pytest.approx(
        (step.scored.ratio >= 2.0).double().sum() / step.scored.mask.sum()
    )
    with pytest.raises(SamplerError, match=r"allows 0\.5"):
        score_step(replace(run, sampler=Off(), max_mismatch=0.5), prepare(run, samples), step=0)
    _assert_weighed(run, step)


def _assert_weighed(run, step) -> None:
    def gradients(scored) -> torch.Tensor:
        # At a rate of 0 the weights stay, and what they would have moved by is there.
        kept = {}
        optimizer = torch.optim.SGD(run.student.network.parameters(), lr=0.0)
        optimizer.register_step_pre_hook(
            lambda *_: kept.update(g=run.student.network.lm_head.weight.grad.clone())
        )
        update(Accelerator(), run, replace(step, scored=scored), optimizer)
        return kept["g"]

    rows, tokens = step.scored.mask.shape
    alone = []
    for place in range(tokens):
        one = torch.zeros(rows, tokens)
        one[:, place] = step.scored.ratio[:, place]
        alone.append(gradients(replace(step.scored, ratio=one)))
    torch.testing.assert_close(sum(alone), gradients(step.scored), atol=1e-6, rtol=1e-4)
    assert (gradients(step.scored) - gradients(replace(step.scored, ratio=None))).abs().max() > 1e-5


@pytest.mark.long
@pytest.mark.xdist_group("kills")
def test_killing_the_trainer_and_losing_the_server_loses_nothing(
    project: Paths, untouched: Paths, commands: KillableCommands
):
    server = Served(project.root / "student")
    back: list[Served] = []
    try:
        write_params(project, server.url)
        # In the sampling of the third step, and while weights are handed over for the one after it.
        assert commands.run(project, "train", call="vzero.rollout.server.servers.Servers.answers:3") == KILLED
        assert commands.run(project, "train", call="vzero.models.served.save_file:2", ending="half") == KILLED
        server.fault("dies")

        def revive() -> None:
            server.process.join()
            back.append(Served(project.root / "student", port=server.port))

        thread = threading.Thread(target=revive)
        thread.start()
        said = commands.finish(project, "train")
        thread.join()
    finally:
        for each in [server, *back]:
            each.stop()
    assert "continuing from step-000002" in said and "waiting for it" in said
    assert weights(project) == weights(untouched)
    # What the killed runs handed over went with the last of them, and its own when it ended.
    assert not [path for path in (project.root / ".vzero/served").iterdir() if path.is_dir()]


@pytest.mark.long
@pytest.mark.xdist_group("kills")
@pytest.mark.parametrize("config", [WHOLE, SHARDED])
def test_two_processes_share_servers(
    config: str, project: Paths, untouched: Paths, commands: KillableCommands
):
    with served(project.root / "student") as first, served(project.root / "student") as second:
        write_params(project, first.url, second.url)
        said = commands.finish(project, "train", environments=launched_environments(config))
        counts = [server.counts for server in (first, second)]
    assert said.count("train: recipe") == 1
    # Weights are read once a step, whoever asks.
    assert [count["/collective_rpc"] for count in counts] == [4, 4]
    found, expected = (load_file(each.trained_model / "model.safetensors") for each in (project, untouched))
    for name, weight in found.items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=1e-5, msg=name)


def write_params(paths: Paths, *urls: str) -> None:
    sampler = {"kind": "server", "urls": list(urls)}
    train_settings = SETTINGS["train"] | ALONE
    YAML().dump(SETTINGS | {"train": train_settings, "rollout": {"sampler": sampler}}, paths.params)
