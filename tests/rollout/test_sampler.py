"""The sampler in this process: the same answers however prompts are packed, in the order they were asked."""

from __future__ import annotations

import pytest
import torch
from rollout_passes import views
from tiny_models import save_tiny

from vzero.config import Models
from vzero.models.encoding import encode
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import prompt_of_text
from vzero.rollout.generate import Bounds
from vzero.rollout.responses import vocabulary_logits
from vzero.rollout.sampler import Decoder
from vzero.rollout.sampling import Sampling

SAMPLING = Sampling(1.0, max_new_tokens=6)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    torch.set_num_threads(1)
    return load_model(save_tiny(tmp_path_factory.mktemp("model"), layers=2), Models())


def asked(decoder: Decoder, prompts, seeds) -> list[list[list[int]]]:
    groups = decoder.answers(prompts, 3, SAMPLING, seeds)
    return [[answer.token_ids for answer in group] for group in groups]


@pytest.mark.parametrize("tokens", [1, 150, 400, None])
def test_packing_changes_no_answer(model, tokens):
    prompts, seeds = views(model), [4, 5, 6, 7]
    whole = asked(Decoder(model), prompts, seeds)
    bounded = Decoder(model, Bounds(tokens, tokens))
    assert asked(bounded, prompts, seeds) == whole
    assert asked(bounded, prompts[::-1], seeds[::-1]) == whole[::-1]


def test_prompts_without_an_image_do_not_keep_the_others_from_sharing_theirs(model, monkeypatch):
    blind = [prompt_of_text(model, text) for text in ("What letter is it?", "It is K.", "It is K.")]
    mixed = [blind[0], *views(model), *blind[1:]]
    apart = asked(Decoder(model), views(model), [1, 2, 3, 4]), asked(Decoder(model), blind, [5, 6, 7])
    passes = []
    monkeypatch.setattr(
        "vzero.rollout.prefix.encode",
        lambda model, pieces, **how: passes.append(len(pieces)) or encode(model, pieces, **how),
    )
    answers = asked(Decoder(model), mixed, [5, 1, 2, 3, 4, 6, 7])
    assert passes == [2, 4, 3]  # the two images, what stands behind them, texts by themselves
    assert (answers[1:5], [answers[0], *answers[5:]]) == apart


def test_rows_that_ended_are_left_behind(model, monkeypatch):
    prompts, rows = views(model), []
    monkeypatch.setattr(model.network.generation_config, "eos_token_id", list(range(20, 60)))
    sampling, whole = Sampling(1.0, max_new_tokens=32), Decoder(model)
    lengths = [len(one.token_ids) for group in whole.answers(prompts, 8, sampling, [0] * 4) for one in group]
    monkeypatch.setattr(
        "vzero.rollout.sampling.vocabulary_logits",
        lambda model, hidden: rows.append(len(hidden)) or vocabulary_logits(model, hidden),
    )
    whole.answers(prompts, 8, sampling, [0] * 4)
    alive = [sum(length > place for length in lengths) for place in range(max(lengths))]
    assert min(lengths) < max(lengths)
    assert len(rows) == len(alive)
    # More than three quarters of those that are computed go on, but for whole eights of slots.
    assert all(left <= computed < 4 * left / 3 + 8 for left, computed in zip(alive, rows, strict=True))
    assert rows[-1] < rows[0]


def test_a_seed_is_of_its_prompt(model):
    prompts = views(model)[:2]
    [first, second] = asked(Decoder(model), prompts, [0, 1])
    assert asked(Decoder(model), prompts, [0, 9])[0] == first
    assert asked(Decoder(model), prompts, [9, 1])[1] == second
    assert asked(Decoder(model), prompts, [9, 1])[0] != first


def test_it_answers_with_the_weights_of_whom_it_follows(model, tmp_path):
    other = load_model(save_tiny(tmp_path / "other", seed=5, layers=2), Models())
    prompts, seeds = views(other)[:1], [0]
    follower = Decoder(model)
    assert follower.exact
    follower.follow(other)
    assert asked(follower, prompts, seeds) == asked(Decoder(other), prompts, seeds)
