"""What the gate's further constants do, each alone and together; all are off by default."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vzero.signals.evidence import GateConstants, evidence_scores, gate

RELEASED = {"gamma": 1.0, "alpha": 0.5, "w_min": 0.0, "w_max": 2.0, "eps": 1e-6}
GAPS = [4.0, -2.0, 0.5, 0.1]

group_scores = st.lists(st.floats(-4, 4, width=32), min_size=2, max_size=12)


def weights_of(scores: list[float], **constants) -> list[float]:
    """Weights of a group's one-token rollouts whose evidence score is given."""
    positive = torch.tensor(scores)[:, None]
    ones, groups = torch.ones_like(positive), [0] * len(scores)
    gated = gate(positive, 0 * positive, ones, groups, GateConstants(**(RELEASED | constants)))
    return gated.weights.tolist()


def score_of(gaps: list[float], **constants) -> float:
    """Score of one answer with these gaps, followed by padding."""
    positive = torch.tensor([[*gaps, float("nan"), 99.0]])
    mask = torch.tensor([[1] * len(gaps) + [0, 0]])
    return evidence_scores(positive, torch.zeros_like(positive), mask, GateConstants(**constants)).item()


def test_off_is_the_published_gate_bit_for_bit():
    generator = torch.Generator().manual_seed(0)
    positive, negative = torch.randn(2, 8, 6, generator=generator)
    mask = (torch.rand(8, 6, generator=generator) < 0.8).long()
    off = {"shrinkage": 0.0, "margin": None, "renormalise": False, "top_share": 1.0, "skip_first": False}
    groups = [0, 0, 0, 0, 1, 1, 1, 1]
    assert torch.equal(
        gate(positive, negative, mask, groups, GateConstants(**RELEASED)).weights,
        gate(positive, negative, mask, groups, GateConstants(**RELEASED, **off)).weights,
    )


def test_shrinkage_halves_the_advantage_where_tau_is_the_spread_times_root_three():
    assert weights_of([0.0, 1.0], shrinkage=0.75**0.5) == pytest.approx([0.75, 1.25], abs=1e-5)


def test_without_enough_evidence_the_best_of_a_group_gets_no_more_than_one():
    assert weights_of([-1.0, -0.5]) == pytest.approx([0.5, 1.5], abs=1e-4)
    assert weights_of([-1.0, -0.5], margin=0.0) == pytest.approx([0.5, 1.0], abs=1e-4)
    assert weights_of([0.25, 1.0], margin=1.0)[1] == 1.0  # not above the margin
    assert weights_of([0.25, 1.0], margin=0.9) == pytest.approx([0.5, 1.5], abs=1e-4)


@given(group_scores, st.floats(-4, 4, width=32), st.booleans())
def test_the_margin_has_the_last_word_and_touches_no_other_weight(scores, margin, renormalise):
    plain = weights_of(scores, renormalise=renormalise)
    capped = weights_of(scores, margin=margin, renormalise=renormalise)
    for score, before, after in zip(scores, plain, capped, strict=True):
        assert after == (before if score > margin else min(before, 1.0))


def test_renormalised_weights_make_up_for_what_clipping_took():
    """2 + 7 * 0.8110 = 7.677 becomes 8."""
    weights = weights_of([1.0] + [0.0] * 7, renormalise=True)
    assert weights == pytest.approx([2.0841] + [0.8451] * 7, abs=1e-4)


@given(group_scores, st.sampled_from([0.5, 1.0, 3.0]))
def test_renormalised_weights_average_one(scores, alpha):
    assert np.mean(weights_of(scores, renormalise=True, alpha=alpha)) == pytest.approx(1.0, abs=1e-5)


def test_a_group_of_zeros_stays_zero():
    assert weights_of([0.0, 1.0], renormalise=True, w_max=0.0) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("constants", "expected"),
    [
        ({}, 2.6 / 4),
        ({"top_share": 0.5}, (4.0 - 2.0) / 2),
        ({"top_share": 0.51}, (4.0 - 2.0 + 0.5) / 3),
        ({"top_share": 0.01}, 4.0),
        ({"top_share": 0.5, "gamma": 2.0}, 0.0),
        ({"skip_first": True}, (-2.0 + 0.5 + 0.1) / 3),
        ({"skip_first": True, "top_share": 0.5}, (-2.0 + 0.5) / 2),
    ],
)
def test_which_tokens_make_the_score(constants, expected):
    assert score_of(GAPS, **constants) == pytest.approx(expected, abs=1e-6)


def test_an_answer_of_one_token_has_no_score_without_its_first():
    assert score_of([3.0], skip_first=True) == 0.0
    assert score_of([3.0], skip_first=True, top_share=0.2) == 0.0


@pytest.mark.parametrize(("kept", "length"), [(7, 13), (3, 21), (27, 300)])
def test_a_share_that_is_a_whole_number_of_tokens_is_not_rounded_up(kept, length):
    """In floating point 7 / 13 of 13 is a little more than 7."""
    gaps = [1.0] * kept + [0.0] * (length - kept)
    assert score_of(gaps, top_share=kept / length) == 1.0


@given(st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=40), st.integers(1, 40))
def test_a_share_of_k_of_n_tokens_is_their_k_largest_gaps(gaps, kept):
    """Whatever k / n is as a floating-point number."""
    kept = min(kept, len(gaps))
    largest = sorted(np.abs(gaps), reverse=True)[:kept]
    assert score_of(np.abs(gaps).tolist(), top_share=kept / len(gaps)) == pytest.approx(
        float(np.mean(largest)), abs=1e-5
    )


def test_each_answer_keeps_its_own_share():
    positive = torch.tensor([[1.0, 5.0, 3.0, 2.0], [1.0, 4.0, 9.0, 9.0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    scores = evidence_scores(positive, 0 * positive, mask, GateConstants(gamma=1.0, top_share=0.5))
    assert scores.tolist() == [4.0, 4.0]
