"""Aggregated losses do not depend on how a mini-batch is split."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vzero.signals.aggregation import aggregate, denominator

LOSSES = torch.tensor([[1.0, 3.0, float("nan")], [2.0, 2.0, 5.0]])
MASK = torch.tensor([[1, 1, 0], [1, 1, 1]])


@pytest.mark.parametrize(("how", "expected"), [("sequence_mean", (2.0 + 3.0) / 2), ("token_mean", 13.0 / 5)])
def test_worked_numbers(how, expected):
    assert aggregate(how, LOSSES, MASK, denominator(how, MASK)).item() == pytest.approx(expected)


@pytest.mark.parametrize("how", ["sequence_mean", "token_mean"])
@given(cut=st.integers(1, 5), seed=st.integers(0, 1000))
def test_parts_add_up_to_the_whole(how, cut, seed):
    generator = torch.Generator().manual_seed(seed)
    losses = torch.rand(6, 4, generator=generator)
    mask = (torch.rand(6, 4, generator=generator) < 0.7).long()
    mask[:, 0] = 1
    total = denominator(how, mask)
    whole = aggregate(how, losses, mask, total)
    parts = aggregate(how, losses[:cut], mask[:cut], total) + aggregate(how, losses[cut:], mask[cut:], total)
    assert parts.item() == pytest.approx(whole.item(), rel=1e-5)
