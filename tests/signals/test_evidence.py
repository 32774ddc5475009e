"""The gate's worked numbers and invariants (arXiv 2606.25319, eqs 14-24)."""

from __future__ import annotations

import uuid

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vzero.signals.evidence import GateConstants, evidence_scores, gate

RELEASED = {"gamma": 1.0, "alpha": 0.5, "w_min": 0.0, "w_max": 2.0, "eps": 1e-6}
PAPER = RELEASED | {"alpha": 1.0}
VARIANTS = {"shrinkage": 0.1, "margin": 0.0, "renormalise": True, "top_share": 0.5}


def weights_of(scores: list[float], groups: list, **constants) -> list[float]:
    """Weights of one-token rollouts whose evidence score is given."""
    positive = torch.tensor(scores)[:, None]
    negative, mask = torch.zeros_like(positive), torch.ones_like(positive)
    return gate(positive, negative, mask, groups, GateConstants(**(RELEASED | constants))).weights.tolist()


def test_a_pair_scored_0_and_1_moves_half_or_a_whole_unit_from_one_to_the_other():
    assert weights_of([0.0, 1.0], [0, 0]) == pytest.approx([0.5, 1.5], abs=1e-5)
    assert weights_of([0.0, 1.0], [0, 0], alpha=1.0) == pytest.approx([0.0, 2.0], abs=1e-5)


def test_one_outlier_among_eight_is_clipped_at_two_and_the_others_lose_little():
    weights = weights_of([1.0] + [0.0] * 7, [0] * 8)
    assert weights == pytest.approx([2.0] + [0.8110] * 7, abs=1e-4)
    unclipped = weights_of([1.0] + [0.0] * 7, [0] * 8, w_max=10.0)
    assert unclipped[0] == pytest.approx(2.3229, abs=1e-4)


def test_four_siblings_can_never_reach_the_released_bounds():
    assert weights_of([1.0, 0.0, 0.0, 0.0], [0] * 4)[0] == pytest.approx(1.866, abs=1e-3)
    assert weights_of([-1.0, 0.0, 0.0, 0.0], [0] * 4)[0] == pytest.approx(0.134, abs=1e-3)


@pytest.mark.parametrize(
    ("scores", "groups", "constants"),
    [
        ([0.3, -2.0], [0, 0], {"alpha": 0.0}),
        ([0.7, 0.7, 0.7], [0, 0, 0], {}),
        ([0.1 + 0.2, 0.3], [0, 1], {}),
        ([5.0], ["only"], {}),
        ([0.7, 0.7, 0.2], [0, 0, 1], VARIANTS),
        ([0.3, -2.0], [0, 0], {"alpha": 0.0} | VARIANTS),
    ],
    ids=["alpha 0", "equal scores", "singletons", "one rollout", "all variants", "alpha 0, all variants"],
)
def test_weights_are_exactly_one_where_there_is_nothing_to_compare(scores, groups, constants):
    assert weights_of(scores, groups, **constants) == [1.0] * len(scores)


def test_equal_views_give_weights_of_exactly_one():
    logprobs = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(logprobs)
    evidence = gate(logprobs, logprobs.clone(), mask, [0, 0, 0, 1, 1, 1], GateConstants(**RELEASED))
    assert evidence.weights.tolist() == [1.0] * 6


def test_gamma_says_how_much_counter_evidence_counts():
    positive = torch.tensor([[1.0, -3.0]])
    negative, mask = torch.zeros_like(positive), torch.ones_like(positive)

    def score(gamma: float) -> float:
        return evidence_scores(positive, negative, mask, GateConstants(gamma=gamma)).item()

    assert score(1.0) == pytest.approx((1 - 3) / 2)
    assert score(0.0) == pytest.approx(1 / 2)
    assert score(2.0) == pytest.approx((1 - 6) / 2)


def test_padding_never_counts_and_an_empty_answer_scores_zero():
    positive = torch.tensor([[1.0, float("-inf")], [float("nan"), 9.0]])
    mask = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    scores = evidence_scores(positive, torch.zeros(2, 2), mask, GateConstants(gamma=1.0))
    assert scores.tolist() == [1.0, 0.0]


def test_scores_are_means_over_each_answers_own_length():
    positive = torch.tensor([[2.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    scores = evidence_scores(positive, torch.zeros(2, 4), mask, GateConstants(gamma=1.0))
    assert scores.tolist() == pytest.approx([0.5, 1.0])


def test_weights_carry_no_gradient():
    positive = torch.randn(4, 3, requires_grad=True)
    evidence = gate(positive, torch.zeros(4, 3), torch.ones(4, 3), [0, 0, 1, 1], GateConstants())
    assert not evidence.weights.requires_grad


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one \\(rollouts, tokens\\) shape"):
        gate(torch.zeros(2, 3), torch.zeros(2, 4), torch.ones(2, 3), [0, 0], GateConstants())
    with pytest.raises(ValueError, match="3 group names"):
        gate(torch.zeros(2, 3), torch.zeros(2, 3), torch.ones(2, 3), [0, 0, 0], GateConstants())


group_scores = st.lists(st.floats(-4, 4, width=32), min_size=2, max_size=12)


@given(group_scores, st.floats(-3, 3, width=32))
def test_adding_a_constant_to_a_group_changes_nothing(scores, constant):
    shifted = [score + constant for score in scores]
    if max(scores) - min(scores) > 0.1:
        assert weights_of(scores, [0] * len(scores)) == pytest.approx(
            weights_of(shifted, [0] * len(scores)), abs=1e-3
        )


@given(group_scores, st.floats(0.5, 8, width=32))
def test_scaling_a_group_changes_nothing(scores, factor):
    scaled = [score * factor for score in scores]
    if max(scores) - min(scores) > 0.1:
        assert weights_of(scores, [0] * len(scores)) == pytest.approx(
            weights_of(scaled, [0] * len(scores)), abs=1e-3
        )


@given(group_scores)
def test_unclipped_weights_average_one(scores):
    count = len(scores)
    unclipped = weights_of(scores, [0] * count, w_min=0.0, w_max=100.0, alpha=0.25)
    if min(unclipped) > 0:
        assert sum(unclipped) / count == pytest.approx(1.0, abs=1e-4)


@given(st.permutations(range(6)))
def test_the_order_and_the_kind_of_group_names_do_not_matter(order):
    scores = [0.1, 0.9, 0.4, -1.0, 2.0, 0.0]
    groups = [7, 7, 7, 3, 3, 3]
    names = {7: uuid.UUID(int=7), 3: "three"}
    plain = weights_of(scores, groups)
    shuffled = weights_of([scores[i] for i in order], [names[groups[i]] for i in order])
    assert shuffled == pytest.approx([plain[i] for i in order], abs=1e-6)


def test_group_names_may_be_a_tensor():
    assert weights_of([0.0, 1.0, 5.0, 5.0], torch.tensor([4, 4, 9, 9]), **PAPER) == pytest.approx(
        [0.0, 2.0, 1.0, 1.0], abs=1e-5
    )
