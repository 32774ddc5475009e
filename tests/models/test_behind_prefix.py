"""Attention behind a prefix without a mask is attention with the mask, and holds no such mask."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rollout_passes import views
from tiny_models import FAMILIES, save_tiny
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from vzero.config import Models
from vzero.models import behind_prefix
from vzero.models.behind_prefix import NAME, LowerRight
from vzero.models.encoding import pad_rows
from vzero.models.loading import load_model
from vzero.rollout.replay import replay

ATTENTION = AttentionInterface._global_mapping[NAME]
MODULE = SimpleNamespace(num_key_value_groups=2, is_causal=True)


def made(queries: int, keys: int, seed: int) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    shapes = [(2, 4, queries, 8), (2, 2, keys, 8), (2, 2, keys, 8)]
    return [torch.randn(shape, generator=random, requires_grad=True) for shape in shapes]


@settings(deadline=None, max_examples=30)
@given(
    queries=st.integers(2, 12), before=st.integers(1, 9), block=st.integers(1, 13), seed=st.integers(0, 99)
)
def test_blocks_of_any_size_give_what_the_mask_gives(queries: int, before: int, block: int, seed: int):
    keys = before + queries
    lower_right = torch.ones(queries, keys, dtype=torch.bool).tril(before)[None, None]
    found = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(behind_prefix, "BLOCK", block)
        hidden = LowerRight.of(queries, keys, torch.device("cpu"), torch.float32)
        assert hidden.block is not None
        assert hidden.block.numel() <= block * (keys + block)
        for attend, mask in ((ATTENTION, hidden), (sdpa_attention_forward, lower_right)):
            inputs = made(queries, keys, seed)
            mixed, _ = attend(MODULE, *inputs, mask, scaling=0.5)
            mixed.sin().sum().backward()
            found.append([mixed, *(each.grad for each in inputs)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


class Largest(TorchDispatchMode):
    """Elements of the largest tensor that is made while this is entered."""

    elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor):
            self.elements = max(self.elements, made.untyped_storage().nbytes() // made.element_size())
        return made


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("ragged", [False, True])
def test_a_replay_makes_no_mask_of_queries_times_keys(family, ragged, tmp_path, monkeypatch):
    model = load_model(save_tiny(tmp_path, family), Models())
    answers = [[20] * (400 - 100 * ragged * place) for place in range(2)]
    ids, mask = pad_rows(answers, pad=model.pad_token, device=model.device)
    monkeypatch.setattr(behind_prefix, "BLOCK", 32)
    with torch.no_grad(), Largest() as largest:
        replay(model, views(model)[:1], ids, mask)
    keys = len(views(model)[0].token_ids) + 400
    states = 2 * 448 * 256  # rows, tokens in whole chunks, the widest layer
    assert largest.elements <= states < 2 * 400 * keys


def test_what_is_padded_before_has_the_librarys_mask(tmp_path, monkeypatch):
    """Two prompts of different lengths: hidden by more than their order."""
    model = load_model(save_tiny(tmp_path, "qwen3_vl"), Models())
    asked: list[object] = []
    of = LowerRight.of
    monkeypatch.setattr(LowerRight, "of", lambda *shape: asked.append(shape[:2]) or of(*shape))
    ids, mask = pad_rows([[20, 21, 22], [20, 21]], pad=model.pad_token, device=model.device)
    first, second = views(model)[:2]
    assert len(first.token_ids) != len(second.token_ids)
    with torch.no_grad():
        replay(model, [first, second], ids, mask)
        assert asked == []
        replay(model, [first], ids, mask)
    assert asked == [(2, len(first.token_ids) + 2)]
