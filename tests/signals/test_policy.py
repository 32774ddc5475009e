"""The sampled-token form: on average it is reverse KL, at ratio 1 it is the paper's surrogate."""

from __future__ import annotations

import pytest
import torch

from vzero.signals.policy import clipped_surrogate, k1

CLIP = {"ratio_clip": 0.2, "dual_clip": 3.0}


def test_at_the_sampling_policy_the_gradient_is_the_papers_surrogate():
    generator = torch.Generator().manual_seed(0)
    current = torch.randn(5, generator=generator).requires_grad_(True)
    teacher = torch.randn(5, generator=generator)
    gap = k1(current, teacher, clamp=10.0)
    (ours,) = torch.autograd.grad(clipped_surrogate(current, current.detach(), -gap, **CLIP).sum(), current)
    (paper,) = torch.autograd.grad(((current.detach() - teacher) * current).sum(), current)
    assert torch.allclose(ours, paper)


def test_in_expectation_it_is_the_gradient_of_reverse_kl():
    logits = torch.tensor([0.3, -1.0, 0.8], dtype=torch.float64, requires_grad=True)
    teacher = torch.tensor([1.0, 0.0, -0.5], dtype=torch.float64).log_softmax(0)
    student = logits.log_softmax(0)
    (analytic,) = torch.autograd.grad((student.exp() * (student - teacher)).sum(), logits, retain_graph=True)
    losses = clipped_surrogate(student, student.detach(), -k1(student, teacher, clamp=100.0), **CLIP)
    (sampled,) = torch.autograd.grad((student.detach().exp() * losses).sum(), logits)
    assert torch.allclose(sampled, analytic)


@pytest.mark.parametrize(
    ("log_ratio", "advantage", "expected"),
    [
        (0.0, 2.0, -2.0),
        (1.0, 2.0, -2.4),  # a good token is not pushed past 1.2
        (-1.0, 2.0, -2.0 * 0.36787944),
        (-1.0, -2.0, 1.6),  # a bad one not below 0.8
        (0.5, -2.0, 2.0 * 1.64872127),
        (2.0, -2.0, 6.0),  # and its loss is bounded at three times the advantage
    ],
)
def test_dual_clip_worked_numbers(log_ratio, advantage, expected):
    old = torch.tensor([-1.0])
    loss = clipped_surrogate(old + log_ratio, old, torch.tensor([advantage]), **CLIP)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_the_gap_is_clamped_and_carries_no_gradient():
    student = torch.tensor([0.0, 0.0, 0.0], requires_grad=True)
    gap = k1(student, torch.tensor([-30.0, 2.0, 30.0]), clamp=10.0)
    assert gap.tolist() == [10.0, -2.0, -10.0]
    assert not gap.requires_grad
