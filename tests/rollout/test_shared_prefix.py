"""Sharing a prompt between its answers changes nothing but the time: the same log-probs."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from made_prompts import teacher_prompt
from rollout_passes import naive, picture, prompts, shared, views
from tiny_models import FAMILIES, save_tiny

from vzero.config import Models
from vzero.models.encoding import encode, pad_rows
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import prompt_of_text
from vzero.rollout.generate import generate
from vzero.rollout.replay import replay
from vzero.rollout.sampling import Sampling

ANSWERS = [[20], [21, 22], [23, 24, 25, 2], [30, 31, 32, 33, 34], [2], [40, 41, 42, 2]]


@pytest.fixture(scope="module", params=FAMILIES)
def model(request, tmp_path_factory) -> LoadedModel:
    torch.set_num_threads(1)
    folder = save_tiny(tmp_path_factory.mktemp(request.param), request.param)
    return load_model(folder, Models(), trainable=True)


def test_log_probs_equal_the_naive_ones_for_answers_of_one_token_and_up(model):
    asked = prompts(model)
    ours = shared(model, asked, ANSWERS)
    for row, answer in enumerate(ANSWERS):
        expected = naive(model, asked[row // 3], answer)
        assert torch.allclose(ours[row, : len(answer)], expected, atol=1e-5)


def test_views_share_their_full_image_whatever_their_crops_and_questions(model, monkeypatch):
    encoded_images = []
    monkeypatch.setattr(
        "vzero.rollout.prefix.encode",
        lambda model, prompts, **how: (
            encoded_images.extend(len(prompt.pictures) for prompt in prompts) or encode(model, prompts, **how)
        ),
    )
    asked, answers = views(model), [*ANSWERS, [20, 2], [50, 51, 52, 53, 54, 55]]
    ours = shared(model, asked, answers)
    assert sum(encoded_images) == 2 + 4  # each full image once, each crop once
    for row, answer in enumerate(answers):
        expected = naive(model, asked[row // 2], answer)
        assert torch.allclose(ours[row, : len(answer)], expected, atol=1e-5)


def test_prompts_without_an_image_are_teacher_forced_alike_also_when_they_repeat(model):
    texts = ["What letter is on the red circle?", "It is K.", "It is K."]
    asked = [prompt_of_text(model, text) for text in texts]
    ours = shared(model, asked, ANSWERS[:3])
    for row, (text, answer) in enumerate(zip(texts, ANSWERS, strict=False)):
        prompt = model.tokenizer(text, add_special_tokens=False)["input_ids"]
        logits = model.network(input_ids=torch.tensor([prompt + answer]), use_cache=False).logits[0].float()
        predicting = logits[len(prompt) - 1 : -1, : len(model.tokenizer)].log_softmax(dim=-1)
        expected = predicting.gather(1, torch.tensor(answer)[:, None]).squeeze(1)
        assert torch.allclose(ours[row, : len(answer)], expected, atol=1e-5)


def test_permuted_prompts_give_permuted_log_probs(model):
    asked, answers = views(model), ANSWERS[2:]
    order = [2, 0, 3, 1]
    straight = shared(model, asked, answers)
    permuted = shared(model, [asked[i] for i in order], [answers[i] for i in order])
    assert torch.allclose(permuted, straight[order], atol=1e-5)


def test_in_bf16_log_probs_stay_close_to_the_naive_ones(model):
    half = replace(model, network=copy.deepcopy(model.network).bfloat16())
    with torch.no_grad():
        # Logits of a real model's size: near 10 a step of bf16 is 0.06.
        half.network.get_input_embeddings().weight.div_(6)
    asked = views(model)
    ours = shared(half, asked, ANSWERS[2:])
    for row, answer in enumerate(ANSWERS[2:]):
        expected = naive(half, asked[row], answer)
        assert torch.allclose(ours[row, : len(answer)], expected, atol=2e-2)


def test_sampled_log_probs_are_those_of_a_replay(model):
    asked = prompts(model)
    rollouts = [
        rollout
        for group in generate(model, asked, Sampling(1.0, max_new_tokens=7), group=3, seed=0)
        for rollout in group
    ]
    replayed = shared(model, asked, [rollout.token_ids for rollout in rollouts])
    for row, rollout in enumerate(rollouts):
        expected = torch.tensor(rollout.logprobs)
        assert torch.allclose(replayed[row, : len(expected)], expected, atol=1e-5)


def test_an_answer_depends_on_its_prompt_and_place_alone_not_on_its_batch(model):
    asked = prompts(model)
    settings = {"sampling": Sampling(1.0, max_new_tokens=6), "group": 2, "seed": 3}
    together = generate(model, asked, **settings)
    apart = [generate(model, [prompt], **settings)[0] for prompt in asked]
    swapped = generate(model, asked[::-1], **settings)[::-1]
    ids = [[r.token_ids for r in group] for group in together]
    assert ids == [[r.token_ids for r in group] for group in apart]
    assert ids == [[r.token_ids for r in group] for group in swapped]
    assert ids != [[r.token_ids for r in group] for group in generate(model, asked, **settings | {"seed": 4})]


def test_vision_tokens_are_never_sampled(model):
    embedding = model.network.get_input_embeddings().weight
    before = embedding.detach().clone()
    with torch.no_grad():
        embedding[model.image_token] = 50 * embedding.mean(dim=0)
    answers = generate(model, prompts(model), Sampling(2.0, max_new_tokens=8), group=8, seed=0)
    with torch.no_grad():
        embedding.copy_(before)
    said = {token for group in answers for rollout in group for token in rollout.token_ids}
    assert not said & set(model.banned_tokens)


def test_changing_the_crops_pixels_changes_the_log_probs(model):
    full = picture(96, 96, 1)
    seen = [
        shared(model, [teacher_prompt(model, full, picture(48, 48, seed), "What?", ["K"])], [[20, 21]])
        for seed in (5, 6)
    ]
    assert (seen[0] - seen[1]).abs().max() > 1e-4


def test_ungroupable_answers_are_refused(model):
    token_ids, mask = pad_rows(ANSWERS[:3], pad=0, device=model.device)
    with pytest.raises(ValueError, match="3 responses cannot be grouped over 2 prompts"):
        replay(model, prompts(model), token_ids, mask)


def test_the_plain_path_gives_the_same_numbers(model, monkeypatch):
    asked = views(model)
    sharing = shared(model, asked, ANSWERS[2:])
    answers = generate(model, asked, Sampling(1.0, max_new_tokens=5), group=2, seed=0)
    monkeypatch.setattr(LoadedModel, "shares_prefixes", False)
    assert torch.allclose(shared(model, asked, ANSWERS[2:]), sharing, atol=1e-5)
    plain = generate(model, asked, Sampling(1.0, max_new_tokens=5), group=2, seed=0)
    assert [[r.token_ids for r in g] for g in plain] == [[r.token_ids for r in g] for g in answers]


def test_a_family_without_shared_prefixes_says_so_and_scores_rightly(tmp_path):
    torch.set_num_threads(1)
    with pytest.warns(UserWarning, match="qwen2_vl: prompts are encoded anew for every answer"):
        other = load_model(save_tiny(tmp_path, "qwen2_vl"), Models(), trainable=True)
    asked = views(other)
    ours = shared(other, asked, ANSWERS[2:])
    for row, answer in enumerate(ANSWERS[2:]):
        assert torch.allclose(ours[row, : len(answer)], naive(other, asked[row], answer), atol=1e-5)
    for group in generate(other, asked, Sampling(1.0, max_new_tokens=5), group=2, seed=0):
        for rollout in group:
            assert len(rollout.token_ids) == len(rollout.logprobs)
