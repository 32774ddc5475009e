"""Gradients over shared prefixes are the naive ones at every length of answer, also when layers run again."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable

import pytest
import torch
from rollout_passes import gradients, naive, prompts, shared, views
from tiny_models import FAMILIES, save_tiny
from transformers.models.qwen3_5 import modeling_qwen3_5

from vzero.config import Models
from vzero.models.encoding import pad_rows
from vzero.models.loading import LoadedModel, load_model
from vzero.models.recompute import recompute_layers
from vzero.rollout.prefix import extend, fork, prefill, response_hidden, text_piece

RAGGED = [[20], [23, 24, 25, 2], [30, 31, 32, 33, 34], [2]]


def loaded(folder, family: str) -> LoadedModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a family that shares no prefixes says so
        return load_model(save_tiny(folder, family), Models(), trainable=True)


@pytest.fixture(scope="module", params=[*FAMILIES, "qwen2_vl"])
def ways(request, tmp_path_factory) -> tuple[LoadedModel, LoadedModel]:
    """One model twice; the second computes its layers again in the backward pass."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp(request.param)
    once, again = loaded(folder, request.param), loaded(folder, request.param)
    recompute_layers(again)
    return once, again


def largest_error(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> float:
    """Of any gradient's entries, relative to the gradient's largest."""
    assert ours.keys() == theirs.keys()
    return max(
        ((ours[name] - gradient).abs().max() / gradient.abs().max().clamp_min(1e-3)).item()
        for name, gradient in theirs.items()
    )


@pytest.mark.parametrize("tokens", [1, 2, 3, 4, 5])
def test_gradients_equal_the_naive_ones_at_every_length(ways, tokens):
    # Two views of one image, whose crops differ in size.
    asked, answers = views(ways[0])[::2], [[20 + n for n in range(tokens)], [50] * (tokens - 1) + [2]]
    expected = torch.cat([naive(ways[0], *pair) for pair in zip(asked, answers, strict=True)])
    theirs = gradients(ways[0], expected.sum())
    for model in ways:
        assert largest_error(gradients(model, shared(model, asked, answers).sum()), theirs) < 5e-5


@pytest.mark.parametrize("answers", [RAGGED, [[20, 2], [2], [22], [23, 24]]])
def test_gradients_equal_the_naive_ones_where_siblings_differ_in_length(ways, answers):
    asked = prompts(ways[0])
    expected = torch.cat([naive(ways[0], asked[row // 2], answer) for row, answer in enumerate(answers)])
    theirs = gradients(ways[0], expected.sum())
    for model in ways:
        assert largest_error(gradients(model, shared(model, asked, answers).sum()), theirs) < 5e-5


def test_layers_can_be_computed_again_more_than_once(ways):
    _, again = ways
    asked, answers = prefill(again, views(again)[::2]), pad_rows(RAGGED[:2], pad=0, device=again.device)
    loss, weights = response_hidden(again, asked, *answers).sum(), list(again.network.model.parameters())
    first = torch.autograd.grad(loss, weights, retain_graph=True)
    second = torch.autograd.grad(loss, weights)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def kept_for_backward(work: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, int]:
    """What the work returns, and the bytes of the tensors that autograd keeps for it."""
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        return work(), sum(kept.values())


def test_layers_computed_again_give_the_same_values_in_less_memory(ways):
    once, again = ways
    asked = views(once)
    straight, straight_bytes = kept_for_backward(lambda: shared(once, asked, RAGGED))
    values, bytes_ = kept_for_backward(lambda: shared(again, asked, RAGGED))
    assert torch.equal(values, straight)
    assert bytes_ < 0.5 * straight_bytes


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory) -> LoadedModel:
    torch.set_num_threads(1)
    return loaded(tmp_path_factory.mktemp("hybrid"), "qwen3_5")


def test_a_backward_pass_keeps_no_cache_that_has_been_used_up(hybrid):
    recompute_layers(hybrid)
    answers = text_piece(*pad_rows(RAGGED[:2], pad=hybrid.pad_token, device=hybrid.device))
    hidden, longer = extend(hybrid, fork(prefill(hybrid, views(hybrid)[:1]), 2), answers)
    entries = [weakref.ref(layer) for layer in longer.cache.layers]
    del longer
    assert [entry() for entry in entries] == [None] * len(entries)
    hidden.sum().backward()


@pytest.mark.parametrize("kernel", ["causal_conv1d_update", "torch_recurrent_gated_delta_rule"])
def test_kernels_for_a_single_token_run_without_gradients_alone(hybrid, monkeypatch, kernel):
    """On a GPU they have no backward pass: one raises there, the other loses the gradient without a word."""
    calls, original = [], getattr(modeling_qwen3_5, kernel)
    for layer in hybrid.network.model.language_model.layers:
        if hasattr(layer, "linear_attn"):
            monkeypatch.setitem(
                layer.linear_attn.forward.__globals__,
                kernel,
                lambda *args, **kwargs: calls.append(torch.is_grad_enabled()) or original(*args, **kwargs),
            )
    answers = [[20, 2], [21, 2]]
    shared(hybrid, views(hybrid)[:2], answers)
    assert calls == []
    with torch.no_grad():
        shared(hybrid, views(hybrid)[:2], answers)
    assert calls and not any(calls)
