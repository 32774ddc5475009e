"""The tilted target against its definition on probabilities, and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vzero.signals.tilt import tilted_logprobs


def random_logits(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    return tuple(torch.tensor(rng.normal(0, 2, (4, 11))) for _ in range(2))


def test_a_worked_pair():
    """p+ = (3/4, 1/4), p- = (1/2, 1/2), tilt 1: p+^2 / p- is (9/8, 1/8), so 9/10 and 1/10."""
    positive, negative = torch.tensor([[math.log(3.0), 0.0]]), torch.zeros(1, 2)
    target = tilted_logprobs(positive, negative, tilt=1.0, clip=10.0).exp()
    assert target.tolist()[0] == pytest.approx([0.9, 0.1])


@pytest.mark.parametrize("tilt", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("clip", [0.3, 100.0])
def test_agrees_with_the_definition(tilt, clip):
    positive, negative = random_logits(0)
    p, q = (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in (positive.numpy(), negative.numpy()))
    raised = p * np.clip(p / q, math.exp(-clip), math.exp(clip)) ** tilt
    expected = np.log(raised / raised.sum(axis=1, keepdims=True))
    ours = tilted_logprobs(positive, negative, tilt=tilt, clip=clip)
    assert ours.numpy() == pytest.approx(expected, abs=1e-6)


def test_equal_views_or_no_tilt_leave_the_teacher_as_it_is():
    positive, negative = random_logits(1)
    plain = positive.log_softmax(dim=-1)
    assert torch.allclose(tilted_logprobs(positive, positive, tilt=4.0, clip=10.0), plain)
    assert torch.allclose(tilted_logprobs(positive, negative, tilt=0.0, clip=10.0), plain)


def test_the_clip_keeps_a_token_that_both_views_hold_impossible_from_winning():
    """The second token has log-probs of about -40 and -80."""
    positive, negative = torch.tensor([[0.0, -40.0]]), torch.tensor([[0.0, -80.0]])
    assert tilted_logprobs(positive, negative, tilt=2.0, clip=1000.0).argmax() == 1
    assert tilted_logprobs(positive, negative, tilt=2.0, clip=10.0).argmax() == 0


def test_it_is_a_distribution_without_gradient():
    positive, negative = random_logits(2)
    positive.requires_grad_(True)
    target = tilted_logprobs(positive, negative, tilt=4.0, clip=5.0)
    assert torch.allclose(target.exp().sum(dim=-1), torch.ones(4, dtype=torch.float64))
    assert not target.requires_grad


def test_an_adaptive_tilt_of_a_worked_pair():
    """p+ = (3/4, 1/4), p- = (1/2, 1/2) are 1/4 apart: tilt 4 is one of 1, whose target is (9/10, 1/10)."""
    positive, negative = torch.tensor([[math.log(3.0), 0.0]]), torch.zeros(1, 2)
    target = tilted_logprobs(positive, negative, tilt=4.0, clip=10.0, adaptive=True).exp()
    assert target.tolist()[0] == pytest.approx([0.9, 0.1])


def test_an_adaptive_tilt_is_each_tokens_own():
    positive, negative = random_logits(2)
    negative[0] = positive[0]
    p, q = (logits.softmax(dim=-1) for logits in (positive, negative))
    apart = 0.5 * (p - q).abs().sum(dim=-1)
    assert apart[0] == 0 < apart[1:].min() < apart.max() < 1
    whole = tilted_logprobs(positive, negative, tilt=2.0, clip=100.0, adaptive=True)
    for row in range(len(p)):
        alone = tilted_logprobs(
            positive[row : row + 1], negative[row : row + 1], tilt=2 * apart[row].item(), clip=100.0
        )
        assert torch.allclose(whole[row], alone[0], atol=1e-6)
