"""Divergences (GKD's generalised JSD, arXiv 2306.13649), advantages and log-probs are those of TRL."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from vzero.models.loading import LoadedModel
from vzero.rollout.responses import response_logprobs
from vzero.signals.divergence import Divergence, token_divergence
from vzero.signals.groups import group_normalise

CONVENTIONS: list[tuple[float, Divergence]] = [
    (0.0, "forward_kl"),
    (0.1, "jsd"),
    (0.3, "jsd"),
    (0.5, "jsd"),
    (1.0, "reverse_kl"),
]
"""TRL's beta, and what it is here. Between the ends it is the teacher's weight in the mixture."""


@pytest.fixture(scope="module")
def logits() -> tuple[torch.Tensor, torch.Tensor]:
    """Of a student and a teacher, (rows, tokens, vocabulary) in double precision."""
    rng = np.random.default_rng(7)
    return tuple(torch.tensor(rng.normal(0, 3, (2, 5, 17))) for _ in range(2))


def trl_module(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    return importlib.import_module(f"trl.experimental.{name}")


@pytest.mark.parametrize(("beta", "kind"), CONVENTIONS)
def test_values_and_gradients_on_the_full_vocabulary(logits, beta, kind, monkeypatch):
    gkd = trl_module("gkd.gkd_trainer", monkeypatch).GKDTrainer
    student, teacher = logits[0].clone().requires_grad_(True), logits[1]
    theirs = gkd.generalized_jsd_loss(student, teacher, beta=beta, reduction="none").sum(dim=-1)
    ours = token_divergence(kind, student, teacher, jsd_beta=beta or 0.5)
    assert torch.allclose(ours, theirs, atol=1e-9)
    weights = torch.linspace(0.5, 2.0, ours.numel(), dtype=ours.dtype).reshape(ours.shape)
    (our_gradient,) = torch.autograd.grad((weights * ours).sum(), student)
    (their_gradient,) = torch.autograd.grad((weights * theirs).sum(), student)
    assert torch.allclose(our_gradient, their_gradient, atol=1e-9)


@pytest.mark.parametrize("top_k", [1, 5])
@pytest.mark.parametrize(("beta", "kind"), CONVENTIONS)
def test_values_on_the_teachers_top_k_with_a_tail_bucket(logits, beta, kind, top_k, monkeypatch):
    trl = trl_module("server_distillation.server_distillation_trainer", monkeypatch)
    student, teacher = (side.log_softmax(dim=-1) for side in logits)
    support = teacher.topk(top_k, dim=-1).indices
    everywhere = torch.ones_like(support, dtype=torch.bool)
    (ours, mask), (theirs, _) = (
        trl._add_tail_bucket(side.gather(-1, support), everywhere) for side in (student, teacher)
    )
    expected = trl._jsd_divergence(ours, theirs, beta, mask).sum(dim=-1)
    value = token_divergence(kind, logits[0], logits[1], top_k=top_k, jsd_beta=beta or 0.5)
    assert torch.allclose(value, expected, atol=1e-6)


@pytest.mark.parametrize("rewards", [[1.0, 0.0, 0.0, 1.0], [0.25, 1.0, 0.5], [1.0, 1.0]])
def test_advantages_are_those_of_trls_grpo_trainer(rewards):
    """Its trainer computes (rewards - mean) / (nanstd + 1e-4), with this function for the deviation."""
    from trl.trainer.utils import nanstd

    values = torch.tensor(rewards, dtype=torch.float64)
    expected = (values - values.mean()) / (nanstd(values, dim=0) + 1e-4)
    ours = group_normalise(values, [0] * len(rewards), eps=1e-4, ddof=1)
    assert torch.allclose(ours, expected, atol=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 0.5, 1.7])
def test_log_probs_at_a_temperature_are_those_of_trl(logits, temperature):
    from trl.trainer.utils import selective_log_softmax

    head = torch.nn.Linear(17, 17, bias=False, dtype=torch.float64)
    torch.nn.init.eye_(head.weight)
    network: Any = SimpleNamespace(lm_head=head)
    model = LoadedModel(network, range(17), None, thinking=False, autocast=None)
    token_ids = torch.arange(10).reshape(2, 5)
    expected = selective_log_softmax(logits[0], token_ids, temperature)
    ours = response_logprobs(model, logits[0], token_ids, torch.ones_like(token_ids), temperature)
    assert torch.allclose(ours.double(), expected, atol=1e-5)
