"""The Solver's credit: the label of the votes is rewarded, whatever is true, and weighs what the set says."""

from __future__ import annotations

import pytest
import torch

from vzero.config.methods.solver import Settings
from vzero.methods.base import Answers, Sample
from vzero.methods.solver import Solver
from vzero.prompts.views import FULL, Picture, full_view
from vzero.rollout.sampling import Rollout

OPTIONS = ("L", "T", "X", "Z")


def answers_of(method: Solver, texts: list[str], *, weight: float = 1.0) -> Answers:
    view = full_view("Which?", OPTIONS, [Picture("i", 64, 64)])
    sample = Sample("q", {FULL: (view,)}, OPTIONS, "B", weight)
    rollouts = [Rollout([0], text, "stop", [0.0]) for text in texts]
    return Answers(method.tasks([sample]), rollouts, torch.ones(len(texts), 1))


def test_the_label_is_rewarded():
    method = Solver(Settings())
    credit = method.credit(answers_of(method, ["Answer: B", "It is T. Answer: B", "Answer: A", "B or C"]))
    assert torch.as_tensor(credit.columns["reward"]).tolist() == [1.0, 1.0, 0.0, 0.0]
    assert credit.advantages is not None
    assert credit.advantages.tolist() == pytest.approx([0.866, 0.866, -0.866, -0.866], abs=1e-3)
    assert credit.weights.tolist() == [1.0] * 4 and credit.counted.all()


def test_a_doubtful_label_weighs_less():
    method = Solver(Settings())
    assert method.credit(answers_of(method, ["B", "A"], weight=0.5)).weights.tolist() == [0.5, 0.5]


def test_in_boxes_only_the_box_is_read():
    method = Solver(Settings(words="boxed"))
    credit = method.credit(answers_of(method, ["so \\boxed{B}", "Answer: B", "\\boxed{B.}"]))
    assert torch.as_tensor(credit.columns["reward"]).tolist() == [1.0, 0.0, 0.0]
