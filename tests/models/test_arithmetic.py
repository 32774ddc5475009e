"""FLOPs are those that torch counts when the passes really run, forward and backward, for every family."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import prod
from pathlib import Path

import pytest
import torch
from rollout_passes import views
from tiny_models import FAMILIES, ROPE, TEXT, save_tiny
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import Qwen3VLMoeConfig, Qwen3VLMoeForConditionalGeneration

from vzero.config import Models
from vzero.models.adapters import add_adapters
from vzero.models.arithmetic import LanguageModel, Weights, linear_attention_flops
from vzero.models.encoding import pad_rows
from vzero.models.loading import LoadedModel, load_model
from vzero.models.recompute import recompute_layers
from vzero.rollout.generate import generate
from vzero.rollout.replay import replay
from vzero.rollout.responses import response_logprobs
from vzero.rollout.sampling import Sampling

ANSWERS = [[20, 21, 22, 23, 2], [30, 31, 2], [2], [40, 41, 42, 43, 44], [50, 51, 2], [2]]


@pytest.fixture(params=[*FAMILIES, "qwen2_vl"])
def model(request, tmp_path: Path) -> LoadedModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a family that shares no prefixes says so
        return load_model(save_tiny(tmp_path / "model", request.param), Models(), trainable=True)


def convolution_backward(out, inputs, weight, *arguments, out_shape, **rest) -> int:
    """Torch's own formula takes every channel of a depthwise convolution to meet every other one."""
    wanted = next(each for each in arguments if isinstance(each, list) and each and type(each[0]) is bool)
    return 2 * prod(out) * prod(weight[1:]) * sum(wanted[:2])


def counted_by_torch(work: Callable[[], object]) -> int:
    """Only where attention is two products of matrices does torch see it on a CPU."""
    formulas = {torch.ops.aten.convolution_backward: convolution_backward}
    with FlopCounterMode(display=False, custom_mapping=formulas) as seen, sdpa_kernel(SDPBackend.MATH):
        work()
    return seen.get_total_flops()


def score(model: LoadedModel) -> torch.Tensor:
    """Log-probs of siblings of several lengths, to prompts that share an image or show two."""
    token_ids, mask = pad_rows(ANSWERS, pad=model.pad_token, device=model.device)
    return response_logprobs(model, replay(model, views(model)[:3], token_ids, mask), token_ids, mask)


def train(model: LoadedModel) -> None:
    score(model).sum().backward()


def excess(model: LoadedModel, work: Callable[[LoadedModel], object]) -> float:
    """By how much our count is above torch's, as a share of it."""
    theirs = counted_by_torch(lambda: work(model))
    return model.work.flops / theirs - 1


@torch.no_grad()
def test_replayed_and_sampled_answers_cost_what_torch_counts(model):
    """Exactly, but for linear attention: the library's convolution computes a few positions too many, and
    its step of one token is no product of matrices."""
    tolerance = 0.003 if model.has_linear_attention else 0.0
    assert abs(excess(model, score)) <= tolerance
    model.work.flops = 0
    sampling = Sampling(1.0, max_new_tokens=4)
    assert abs(excess(model, lambda m: generate(m, views(m), sampling, group=2, seed=0))) <= tolerance


def test_training_costs_what_torch_counts(model):
    """Exactly on the plain path. Of a shared prefix's last layer only keys and values have a gradient; we
    count a whole one, for which models of two layers are the worst case."""
    above = excess(model, train)
    if not model.shares_prefixes:
        assert above == 0
    assert -0.001 * model.has_linear_attention <= above <= 0.05


def test_layers_that_are_computed_again_cost_another_forward_pass(model):
    """Torch stops a layer's second run before its last product, which nothing behind it needs."""
    recompute_layers(model)
    assert 0 < excess(model, train) < 0.07


def test_frozen_weights_beside_adapters_cost_no_gradient_of_their_own(model):
    """The first layer needs none of its inputs either, which is one of two or four layers here."""
    add_adapters(model, rank=4, alpha=4)
    assert 0 < excess(model, train) < 0.09


def test_positions_are_those_of_the_tokens_that_pass(model):
    """Three prompts for two answers each; shared prefixes do not compute them twice."""
    with torch.no_grad():
        score(model)
    lengths = [len(prompt.token_ids) for prompt in views(model)[:3]]
    answers = len(ANSWERS) * len(ANSWERS[0])
    if model.shares_prefixes:
        assert model.work.positions < sum(lengths) + answers
    else:
        assert model.work.positions == len(ANSWERS) * max(lengths) + answers


def test_of_the_experts_a_token_meets_its_share():
    settings = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48, "head_dim": 16}
    config = Qwen3VLMoeConfig(
        text_config=TEXT
        | settings
        | {"rope_parameters": ROPE | {"mrope_interleaved": True}, "vocab_size": 50},
        vision_config={"depth": 1, "hidden_size": 32, "num_heads": 2, "out_hidden_size": 64},
    )
    network = Qwen3VLMoeForConditionalGeneration._from_config(config, experts_implementation="eager")
    embedded, mask = torch.randn(2, 7, 64), torch.ones(2, 7, dtype=torch.int64)
    language_model = network.model.language_model
    with torch.no_grad():
        theirs = counted_by_torch(lambda: language_model(inputs_embeds=embedded, attention_mask=mask))
    assert LanguageModel.of(network).flops(2, 7, 7).forward == theirs


def test_weights_are_matrices_and_experts_count_by_their_share():
    named = {"mlp.experts.up": (8, 3, 5), "mlp.gate.weight": (8, 5), "bias": (7,), "pos_embed.weight": (9, 5)}
    parameters = [(name, torch.nn.Parameter(torch.zeros(shape))) for name, shape in named.items()]
    parameters[1][1].requires_grad_(False)
    assert Weights.of(parameters, share=0.25) == Weights(all=30 + 40, trained=30)


def test_linear_attention_by_hand():
    """Three tokens are a chunk of four: two products of 4 x 4 x 2, one of 4 x 4 x 3, three of 4 x 2 x 3."""
    assert linear_attention_flops(3, heads=1, key=2, value=3) == 2 * (2 * 32 + 48 + 3 * 24)
    assert linear_attention_flops(65, heads=5, key=2, value=3) == 5 * 2 * linear_attention_flops(64, 1, 2, 3)
