"""Normalisation within groups: worked numbers and the shrinkage that keeps noise small."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vzero.signals.groups import group_index, group_normalise, scaled_to_mean_one, shuffled_in_groups

scores = st.lists(st.floats(-4, 4, width=32), min_size=2, max_size=12)


def test_the_standard_deviation_is_the_populations():
    values = torch.tensor([1.0, 2.0, 3.0, 6.0])
    expected = (values - 3.0) / (3.5**0.5)
    assert torch.allclose(group_normalise(values, [0] * 4, eps=0.0), expected)


def test_ddof_one_is_the_samples_standard_deviation():
    """Rewards 1, 0, 0, 1: mean 1/2, squares 4 x 1/4, variance 1/4 over n and 1/3 over n - 1."""
    rewards = torch.tensor([1.0, 0.0, 0.0, 1.0])
    population = group_normalise(rewards, [0] * 4, eps=0.0)
    sample = group_normalise(rewards, [0] * 4, eps=0.0, ddof=1)
    assert population.tolist() == [1.0, -1.0, -1.0, 1.0]
    assert sample.tolist() == pytest.approx([0.75**0.5, -(0.75**0.5), -(0.75**0.5), 0.75**0.5])
    padded = group_normalise(rewards, [0] * 4, eps=0.5, ddof=1)
    assert padded[0].item() == pytest.approx(0.5 / (3**-0.5 + 0.5))


def test_a_score_alone_in_its_group_becomes_0_or_stays():
    scores, groups = torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0]), ["a", "b", "c", "d", "d"]
    for ddof in (0, 1):
        assert group_normalise(scores, groups, eps=1e-6, ddof=ddof).tolist() == [0.0] * 5
        kept = group_normalise(scores, groups, eps=1e-6, ddof=ddof, group_of_one="reward")
        assert kept.tolist() == [1.0, 0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(("size", "bound"), [(4, 1.732), (8, 2.646), (12, 3.317), (16, 3.873)])
def test_one_against_all_others_is_the_largest_z_score(size, bound):
    one_hot = torch.zeros(size)
    one_hot[0] = 1.0
    assert group_normalise(one_hot, [0] * size, eps=0.0)[0].item() == pytest.approx(bound, abs=1e-3)


@given(scores)
def test_no_z_score_is_above_the_root_of_the_siblings(values):
    advantages = group_normalise(torch.tensor(values), [0] * len(values), eps=1e-6)
    assert advantages.abs().max() <= (len(values) - 1) ** 0.5 + 1e-4


def test_shrinkage_adds_to_the_variance():
    """Scores 0 and 1 deviate by 1/2; with tau^2 = 3/4 the divisor is 1."""
    halves = group_normalise(torch.tensor([0.0, 1.0]), [0, 0], eps=0.0, shrinkage=0.75**0.5)
    assert halves.tolist() == pytest.approx([-0.5, 0.5])


def test_shrinkage_leaves_noise_small_that_would_be_blown_up():
    noise = torch.tensor([0.0, 1e-4, 0.0, 1e-4])
    assert group_normalise(noise, [0] * 4, eps=1e-6).abs().min() > 0.9
    assert group_normalise(noise, [0] * 4, eps=1e-6, shrinkage=0.05).abs().max() < 2e-3


@given(scores, st.floats(0.01, 2), st.floats(1.1, 5))
def test_more_shrinkage_means_smaller_advantages_in_the_same_order(values, tau, factor):
    tensor, groups = torch.tensor(values), [0] * len(values)
    plain = group_normalise(tensor, groups, eps=1e-6)
    weak = group_normalise(tensor, groups, eps=1e-6, shrinkage=tau)
    strong = group_normalise(tensor, groups, eps=1e-6, shrinkage=tau * factor)
    assert (strong.abs() <= weak.abs()).all() and (weak.abs() <= plain.abs()).all()
    assert torch.equal(torch.sign(strong), torch.sign(weak))


def test_scaled_weights_average_one_in_each_group():
    weights = torch.tensor([2.0, 0.0, 0.5, 0.5, 0.5, 0.0, 0.0])
    scaled = scaled_to_mean_one(weights, ["a", "a", "b", "b", "b", "c", "c"])
    assert scaled.tolist() == [2.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0]


def test_names_become_numbers_in_order_of_appearance():
    assert group_index(["b", "a", "b", 3]).tolist() == [0, 1, 0, 2]
    assert group_index(torch.tensor([9, 9, 4])).tolist() == [0, 0, 1]


def test_shuffled_weights_stay_in_their_group_and_a_seed_says_their_order():
    weights = torch.arange(12.0)
    shuffled = shuffled_in_groups(weights, 4, seeds=[5, 6, 5])
    groups = shuffled.reshape(3, 4)
    assert torch.equal(groups.sort(dim=1).values, weights.reshape(3, 4))
    assert torch.equal(groups[0] - 0, groups[2] - 8)
    assert torch.equal(shuffled_in_groups(weights[4:8], 4, seeds=[6]), groups[1])
    assert not torch.equal(shuffled, weights)
