"""How far two log-probs of the same tokens are apart, and the truncated ratio between them, by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vzero.signals.mismatch import Mismatch, truncated_ratio

OURS = torch.tensor([[-1.0, -2.0, -3.0], [-0.5, -7.0, 0.0]])
THEIRS = torch.tensor([[-1.5, -2.0, -1.0], [-0.5 - 1e-5, -1.0, 5.0]])
MASK = torch.tensor([[1, 1, 1], [1, 0, 0]])


def test_the_ratio_is_of_our_probability_to_theirs_and_cut_at_the_bound():
    ratio, found = truncated_ratio(OURS, THEIRS, MASK, most=1.5)
    # exp(0.5) = 1.65 is cut; exp(-2) is not; 1e-5 nats are rounding; padding is 1.
    expected = [[1.5, 1.0, math.exp(-2.0)], [1.0, 1.0, 1.0]]
    torch.testing.assert_close(ratio, torch.tensor(expected))
    assert found.tokens == 4
    assert found.mean == pytest.approx((0.5 + 0.0 + 2.0 + 1e-5) / 4, rel=1e-3)
    assert found.largest == 2.0
    assert found.ratio == pytest.approx(1.5 + 1.0 + math.exp(-2.0) + 1.0)
    assert found.cut == 1


def test_what_is_drawn_from_our_own_policy_up_to_rounding_is_learnt_as_it_is():
    noise = torch.full_like(OURS, 9e-5) * torch.tensor([1.0, -1.0, 1.0])
    ratio, found = truncated_ratio(OURS, OURS + noise, MASK, most=2.0)
    assert ratio.tolist() == torch.ones_like(OURS).tolist()
    assert found.mean == pytest.approx(9e-5, rel=1e-2)


@pytest.mark.parametrize("said", [math.nan, -math.inf, math.inf])
def test_what_is_no_number_is_a_mismatch_without_bound(said: float):
    theirs = THEIRS.clone()
    theirs[0, 1] = said
    assert truncated_ratio(OURS, theirs, MASK, most=2.0)[1].mean == math.inf


def test_without_tokens_nothing_differs():
    empty = torch.zeros(0, 0)
    assert truncated_ratio(empty, empty, empty, most=2.0)[1] == Mismatch()
    assert Mismatch().mean == 0.0


@given(
    apart=st.lists(st.floats(-4, 4, width=32), min_size=1, max_size=12),
    parts=st.integers(1, 12),
    most=st.floats(1, 4),
)
def test_parts_add_up_to_the_whole(apart: list[float], parts: int, most: float):
    ours, theirs = torch.tensor([apart]), torch.zeros(1, len(apart))
    mask = torch.ones_like(ours)
    whole = truncated_ratio(ours, theirs, mask, most=most)[1]
    pieces = [
        truncated_ratio(*each, most=most)[1]
        for each in zip(*(t.split(parts, 1) for t in (ours, theirs, mask)), strict=True)
    ]
    summed = sum(pieces, Mismatch())
    assert (summed.tokens, summed.largest, summed.cut) == (whole.tokens, whole.largest, whole.cut)
    assert summed.apart == pytest.approx(whole.apart)
    assert summed.ratio == pytest.approx(whole.ratio)


def test_the_expectation_under_their_policy_is_ours_but_for_what_is_cut():
    """E_mu[min(pi / mu, C) f] = E_pi[min(1, C mu / pi) f], summed over a small vocabulary."""
    ours, theirs = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.2, 0.3, 0.5])
    value, most = torch.tensor([3.0, -1.0, 4.0]), 2.0
    ratio, _ = truncated_ratio(ours.log()[None], theirs.log()[None], torch.ones(1, 3), most=most)
    corrected = (theirs * ratio[0] * value).sum()
    torch.testing.assert_close(corrected, (ours * (most * theirs / ours).clamp(max=1.0) * value).sum())
    # The first token, drawn 3.5 times too rarely, counts 2 times; the others count in full.
    assert corrected.item() == pytest.approx(0.2 * 2 * 3.0 - 0.2 + 0.1 * 4.0)
