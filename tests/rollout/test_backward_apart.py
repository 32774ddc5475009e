"""Gradients of answers are added up before the backward pass of their prompts begins, and are the same."""

from __future__ import annotations

import pytest
import torch
from rollout_passes import views
from tiny_models import FAMILIES, save_tiny

from vzero.config import Models
from vzero.models.encoding import pad_rows
from vzero.models.loading import LoadedModel, load_model
from vzero.rollout.backward_apart import backward_apart
from vzero.rollout.prefix import Prefix, fork, prefill, response_hidden

ANSWERS = [[20, 21, 22], [30, 31, 2]]


@pytest.fixture(scope="module", params=FAMILIES)
def model(request, tmp_path_factory) -> LoadedModel:
    torch.set_num_threads(1)
    folder = save_tiny(tmp_path_factory.mktemp(request.param), request.param)
    return load_model(folder, Models(), trainable=True)


def answered(model: LoadedModel, prefix: Prefix) -> torch.Tensor:
    ids, mask = pad_rows(ANSWERS, pad=model.pad_token, device=model.device)
    return response_hidden(model, fork(prefix, len(ANSWERS)), ids, mask)


def gradients(model: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: p.grad for name, p in model.network.named_parameters() if p.grad is not None}


def test_hidden_states_are_the_same_and_gradients_but_for_the_order_of_sums(model: LoadedModel):
    found = []
    for way in (lambda prefix: prefix, backward_apart):
        model.network.zero_grad()
        hidden = answered(model, way(prefill(model, views(model)[:1])))
        hidden.square().sum().backward()
        found.append((hidden.detach(), gradients(model)))
    (straight, expected), (hidden, apart) = found
    assert torch.equal(hidden, straight)
    assert apart.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(apart[name], gradient, rtol=1e-5, atol=1e-6 * gradient.abs().max().item())


def test_when_the_prompt_s_turn_comes_no_gradient_waits(model: LoadedModel):
    model.network.zero_grad()
    prefix = prefill(model, views(model)[:1])
    there: list[set[str]] = []
    prefix.last_hidden.register_hook(lambda _: there.append(set(gradients(model))))
    answered(model, backward_apart(prefix)).sum().backward()
    of_layers = {name for name, _ in model.network.named_parameters() if "language_model.layers" in name}
    [before] = there
    assert of_layers <= before
    assert not any("visual" in name for name in before)


def test_without_gradients_the_prefix_is_as_it_was(model: LoadedModel):
    with torch.no_grad():
        prefix = prefill(model, views(model)[:1])
    assert backward_apart(prefix) is prefix
