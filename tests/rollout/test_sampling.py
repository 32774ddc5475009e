"""Tokens are drawn with the probabilities that the model gives them."""

from __future__ import annotations

import torch

from vzero.rollout.generate import _sample


def test_inverting_the_distribution_draws_every_token_at_its_own_rate():
    logits = torch.tensor([[0.0, 1.0, 2.0, -30.0]])
    uniforms = (torch.arange(40_000) + 0.5) / 40_000
    drawn = _sample(logits.expand(40_000, -1), [], 1.0, uniforms)
    rates = torch.bincount(drawn, minlength=4) / 40_000
    assert torch.allclose(rates, logits[0].softmax(dim=0), atol=1e-4)


def test_temperature_zero_takes_the_likeliest_and_banned_tokens_are_left_out():
    logits = torch.tensor([[0.0, 3.0, 2.0]])
    middle = torch.tensor([0.5])
    assert _sample(logits, [], 0.0, middle).item() == 1
    assert _sample(logits, [1], 0.0, middle).item() == 2
    drawn = _sample(logits.expand(1000, -1), [1], 1.0, torch.linspace(0, 0.9999, 1000))
    assert set(drawn.tolist()) == {0, 2}


def test_the_ends_of_the_unit_interval_stay_inside_the_vocabulary():
    logits = torch.tensor([[-50.0, 0.0, -50.0]])
    assert _sample(logits, [], 1.0, torch.tensor([0.0])).item() in (0, 1)
    assert _sample(logits, [], 1.0, torch.tensor([1.0 - 2**-53], dtype=torch.float64)).item() in (1, 2)
