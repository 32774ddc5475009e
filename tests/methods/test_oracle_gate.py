"""The oracle gate: weights by labels where the gate has evidence, and told as a control that reads them."""

from __future__ import annotations

import pytest
import torch

from vzero.config import parse_params
from vzero.config.methods.gated import Settings
from vzero.methods import method_of
from vzero.methods.base import Answers, Sample, Task
from vzero.prompts.views import NEGATIVE, POSITIVE, full_view
from vzero.rollout.sampling import Rollout


def settings(**gate) -> Settings:
    tree = {"train": {"recipe": "needle", "method": {"gate": {"oracle": True, **gate}}}}
    found = parse_params(tree).train.method
    assert isinstance(found, Settings)
    return found


def answers(texts: list[str], truth: str) -> Answers:
    view = full_view("Which?", ("a cup", "a hat"), [])
    task = Task(Sample("one", {}, ("a cup", "a hat"), truth), asked=view, learnt=view)
    rollouts = [Rollout(text=text, token_ids=[1], finish_reason="stop", logprobs=[]) for text in texts]
    ones = torch.ones(len(texts), 1)
    seen = {POSITIVE: torch.tensor([[-5.0], [0.0], [0.0]]), NEGATIVE: torch.zeros(len(texts), 1)}
    return Answers([task], rollouts, ones, seen)


def test_the_right_answer_weighs_more_whatever_the_crops_say():
    """Scores 1, 0, 0: mean 1/3, deviation sqrt(2)/3, so advantages sqrt(2), -sqrt(1/2), -sqrt(1/2)."""
    credit = method_of(settings(alpha=0.5)).credit(answers(["Answer: B", "Answer: A", "none"], "B"))
    root = 2**0.5
    assert credit.weights.tolist() == pytest.approx([1 + root / 2, 1 - root / 4, 1 - root / 4], abs=1e-5)
    assert credit.columns["evidence_score"].tolist() == [1.0, 0.0, 0.0]


def test_where_all_are_right_or_all_wrong_every_answer_weighs_one():
    for truth in "AB":
        credit = method_of(settings()).credit(answers(["Answer: B"] * 3, truth))
        assert credit.weights.tolist() == [1.0] * 3


def test_it_is_the_one_gate_that_reads_labels():
    assert settings().labels
    assert not Settings().labels
