"""Servers behind HTTP, in processes of their own: the same answers as here, whatever happens to them.

Those of `tests/sampler_double.py`, which draw as we do and fail as they are told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from made_prompts import student_prompt
from sampler_double import Served, served
from tiny_models import save_tiny

from vzero.config import Models, SamplerSettings
from vzero.errors import ConfigError, SamplerError
from vzero.imaging import encode_png
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import Prompt, prompt_of_text
from vzero.paths import Paths
from vzero.rollout.sampler import Decoder, Sampler
from vzero.rollout.samplers import Samplers
from vzero.rollout.sampling import Rollout, Sampling
from vzero.rollout.server import servers as waiting

SAMPLING = Sampling(1.0, max_new_tokens=6)
SEEDS = [3, 3, 4, 5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_tiny(tmp_path_factory.mktemp("model"), layers=2)


@pytest.fixture(scope="module")
def model(folder: Path) -> LoadedModel:
    return load_model(folder, Models())


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """With other weights of the same shapes."""
    return load_model(save_tiny(tmp_path_factory.mktemp("other"), seed=5, layers=2), Models())


@pytest.fixture(scope="module")
def prompts(model: LoadedModel) -> list[Prompt]:
    pictures = np.random.default_rng(0).integers(0, 255, (3, 48, 64, 3), dtype=np.uint8)
    shown = [student_prompt(model, encode_png(each), "What letter is it?", ["K", "B"]) for each in pictures]
    return [*shown, prompt_of_text(model, "What letter is on the red circle?")]


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Served]:
    with served(folder) as started:
        yield started


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOOKS", 0.05)


def samplers(tmp_path: Path, *urls: str, **settings) -> Samplers:
    chosen = SamplerSettings(kind="server", urls=list(urls), **{"timeout": 30.0, "patience": 30.0} | settings)
    return Samplers(chosen, Models(), Paths(tmp_path))


def learning(model: LoadedModel, tmp_path: Path, *urls: str, **settings) -> Sampler:
    sampler = samplers(tmp_path, *urls, **settings).of_learning(model)
    sampler.follow(model)
    return sampler


def ids(groups: list[list[Rollout]]) -> list[list[list[int]]]:
    return [[rollout.token_ids for rollout in group] for group in groups]


def here(model: LoadedModel, prompts: list[Prompt]) -> list[list[list[int]]]:
    return ids(Decoder(model).answers(prompts, 3, SAMPLING, SEEDS[: len(prompts)]))


def test_a_server_gives_the_answers_that_would_be_decoded_here(server, model, prompts, tmp_path):
    sampler = learning(model, tmp_path, server.url)
    found = sampler.answers(prompts, 3, SAMPLING, SEEDS)
    expected = Decoder(model).answers(prompts, 3, SAMPLING, SEEDS)
    assert not sampler.exact
    assert ids(found) == ids(expected)
    for one, same in zip(chain(*found), chain(*expected), strict=True):
        assert (one.text, one.finish_reason) == (same.text, same.finish_reason)
        assert one.logprobs == pytest.approx(same.logprobs, abs=1e-5)
    assert sampler.answers([], 3, SAMPLING, []) == []


def test_it_answers_with_the_weights_of_whom_it_follows(server, model, other, prompts, tmp_path):
    sampler = learning(other, tmp_path, server.url)
    assert ids(sampler.answers(prompts, 3, SAMPLING, SEEDS)) == here(other, prompts) != here(model, prompts)
    for _ in range(3):
        sampler.follow(other)
    [run] = [path for path in (tmp_path / ".vzero/served").iterdir() if path.is_dir()]
    assert [path.name for path in run.iterdir()] == ["000004"]


def test_samplers_that_share_a_server_have_it_read_the_right_weights(server, model, other, prompts, tmp_path):
    shared = samplers(tmp_path, server.url)
    student = shared.of_learning(model)
    voter = shared.of_frozen(other, Path(other.network.config._name_or_path))
    # The frozen one's are written once, and are there after others' have been handed over.
    for _ in range(3):
        student.follow(model)
        assert ids(student.answers(prompts[:1], 3, SAMPLING, SEEDS[:1])) == here(model, prompts[:1])
        before = server.counts["/collective_rpc"]
        for _ in range(2):
            voter.follow(other)
            assert ids(voter.answers(prompts[:1], 3, SAMPLING, SEEDS[:1])) == here(other, prompts[:1])
        assert server.counts["/collective_rpc"] == before + 1


@pytest.mark.parametrize("fault", ["dropped", "half a reply", "down", "broken", "busy", "slow"])
def test_what_fails_is_asked_again_and_what_was_answered_is_not(fault, server, model, prompts, tmp_path):
    sampler = learning(model, tmp_path, server.url, timeout=1.0)
    answered = len(server.counts["answered"])
    server.fault(fault, times=2)
    assert ids(sampler.answers(prompts, 3, SAMPLING, SEEDS)) == here(model, prompts)
    names = server.counts["answered"][answered:]
    assert sorted(names) == sorted(set(names)) and len(names) == len(prompts)


def test_a_request_that_fails_again_and_again_ends_the_run(server, model, prompts, tmp_path):
    sampler = learning(model, tmp_path, server.url)
    server.fault("broken", times=waiting.TRIES)
    with pytest.raises(SamplerError, match=r"asked 5 times in vain: HTTP 500.*as it was told"):
        sampler.answers(prompts[:1], 3, SAMPLING, SEEDS[:1])


@pytest.mark.parametrize(
    ("fault", "words"), [("refuses", "HTTP 400.*as it was told"), ("other prompt", "answered another prompt")]
)
def test_what_would_fail_again_ends_the_run_at_once(fault, words, server, model, prompts, tmp_path):
    sampler = learning(model, tmp_path, server.url)
    server.fault(fault)
    with pytest.raises(SamplerError, match=f"{server.url}.*{words}"):
        sampler.answers(prompts, 3, SAMPLING, SEEDS)


def test_a_server_that_dies_is_waited_for_and_reads_its_weights_again(folder, other, prompts, tmp_path):
    """It comes back with the weights it was started with, which are not those that it is to answer with."""
    server = Served(folder)
    try:
        sampler = learning(other, tmp_path, server.url)
        server.fault("dies")
        back: list[Served] = []

        def revive() -> None:
            server.process.join()
            time.sleep(0.2)
            back.append(Served(folder, port=server.port))

        thread = threading.Thread(target=revive)
        thread.start()
        assert ids(sampler.answers(prompts, 3, SAMPLING, SEEDS)) == here(other, prompts)
        thread.join()
        assert back[0].counts["/collective_rpc"] == 1
        # Started again while nobody asks: told by the weights that answers are of.
        back[0].stop()
        back.append(Served(folder, port=server.port))
        assert ids(sampler.answers(prompts, 3, SAMPLING, SEEDS)) == here(other, prompts)
    finally:
        for each in [server, *back]:
            each.stop()


def test_a_key_that_servers_want_is_sent(folder, model, prompts, tmp_path, monkeypatch):
    with served(folder) as server:
        learning(model, tmp_path, server.url).answers(prompts[:1], 1, SAMPLING, SEEDS[:1])
        monkeypatch.setenv("VLLM_API_KEY", "secret")
        learning(model, tmp_path, server.url).answers(prompts[:1], 1, SAMPLING, SEEDS[:1])
        assert set(server.counts["keys"]) == {None, "Bearer secret"}


def test_nobody_is_waited_for_longer_than_patience_has(folder, model, prompts, tmp_path):
    with served(folder) as server:
        sampler = learning(model, tmp_path, server.url, patience=0.3)
    with pytest.raises(SamplerError, match=r"lost, and not back.*Error.*patience is 0.3"):
        sampler.answers(prompts, 3, SAMPLING, SEEDS)


def test_several_servers_share_the_work_and_one_does_that_of_a_lost_one(
    server, folder, model, prompts, tmp_path
):
    with served(folder) as second:
        sampler = learning(model, tmp_path, server.url, second.url)
        before = len(server.counts["answered"])
        many, seeds = prompts * 6, [seed for seed in range(6) for _ in prompts]
        expected = ids(Decoder(model).answers(many, 1, SAMPLING, seeds))
        assert ids(sampler.answers(many, 1, SAMPLING, seeds)) == expected
        counts = [len(server.counts["answered"]) - before, len(second.counts["answered"])]
        assert sum(counts) == len(many) and min(counts) > 0
        second.fault("dies")
        assert ids(sampler.answers(many, 1, SAMPLING, seeds)) == expected


def test_a_server_without_the_first_path_answers_prompts_without_pictures(folder, model, prompts, tmp_path):
    with served(folder, scale_out=False) as server:
        sampler = learning(model, tmp_path, server.url)
        assert ids(sampler.answers(prompts[3:], 3, SAMPLING, SEEDS[3:])) == here(model, prompts)[3:]
        with pytest.raises(SamplerError, match="--enable-scale-out"):
            sampler.answers(prompts, 3, SAMPLING, SEEDS)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"logprobs_mode": "processed_logprobs"}, "--logprobs-mode must be raw_logprobs, not processed"),
        ({"multimodal_config": {"mm_device_do_normalize": True}}, "--no-mm-device-do-normalize is missing"),
    ],
)
def test_a_server_that_would_answer_otherwise_is_told_by_its_settings(said, words, folder, model, tmp_path):
    with served(folder) as server:
        server.told(**said)
        with pytest.raises(SamplerError, match=words):
            learning(model, tmp_path, server.url)


@pytest.mark.parametrize("fault", ["stale", "half loaded"])
def test_a_frozen_model_whose_weights_were_not_read_is_noticed_at_its_first_answers(
    fault, server, other, prompts, tmp_path
):
    voter = samplers(tmp_path, server.url).of_frozen(other, Path(other.network.config._name_or_path))
    server.fault(fault)
    voter.follow(other)
    with pytest.raises(SamplerError, match=r"differ from our replay's by .* nats.*max_mismatch allows 0.002"):
        voter.answers(prompts, 3, SAMPLING, SEEDS)


def test_what_killed_runs_have_left_of_weights_goes(server, model, tmp_path):
    left = tmp_path / ".vzero/served/0a1b2c3d/000001"
    left.mkdir(parents=True)
    learning(model, tmp_path, server.url)
    assert not left.parent.exists()
    assert len([path for path in (tmp_path / ".vzero/served").iterdir() if path.is_dir()]) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "server"}, "urls must name a server"),
        ({"urls": ["http://a:1"]}, "they are of kind server"),
        ({"kind": "server", "urls": ["a:1"]}, "must begin with http"),
        ({"kind": "server", "urls": ["http://a:1"] * 2}, "must differ"),
    ],
)
def test_impossible_settings_are_refused(settings, words):
    from vzero.config import parse_params

    with pytest.raises(ConfigError, match=words):
        parse_params({"rollout": {"sampler": settings}})
