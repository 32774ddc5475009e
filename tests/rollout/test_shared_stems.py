"""A question in many orders of its options is run once, and changes no log-prob and no gradient."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from made_prompts import student_prompt
from rollout_passes import gradients, naive, picture, shared
from tiny_models import FAMILIES, save_tiny

from vzero.config import Models
from vzero.models.encoding import encode
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import Prompt

ORDERS = list(permutations(["K", "T", "L", "P"]))[::3]
LONG = "What letter is on the red circle above the blue square?"
ANSWERS = [[20 + number, 21, 2][: 1 + number % 3] for number in range(len(ORDERS) + 2)]


@pytest.fixture(scope="module", params=FAMILIES)
def model(request, tmp_path_factory) -> LoadedModel:
    torch.set_num_threads(1)
    folder = save_tiny(tmp_path_factory.mktemp(request.param), request.param)
    return load_model(folder, Models(), trainable=True)


def asked(model: LoadedModel) -> list[Prompt]:
    """Eight orders of one question, another question about the same picture, and one about another."""
    full = picture(48, 112, 3)
    orders = [student_prompt(model, full, LONG, list(order)) for order in ORDERS]
    others = [
        student_prompt(model, full, "How many?", ["1", "2"]),
        student_prompt(model, picture(96, 96, 1), LONG, ["K", "T"]),
    ]
    return orders[:5] + others + orders[5:]


def test_log_probs_equal_the_naive_ones_and_the_question_is_run_once(model, monkeypatch):
    tokens = []
    monkeypatch.setattr(
        "vzero.rollout.prefix.encode",
        lambda model, pieces, **how: (
            tokens.append(sum(len(piece.token_ids) for piece in pieces)) or encode(model, pieces, **how)
        ),
    )
    prompts = asked(model)
    ours = shared(model, prompts, ANSWERS)
    halves = [prompt.halves for prompt in prompts]
    own = sum(len(tail.token_ids) for _, tail in halves)
    pictures, stems, rest = tokens
    assert pictures == sum(len(head.token_ids) for head in {head for head, _ in halves})
    assert stems + rest < 0.7 * own
    for row, (prompt, answer) in enumerate(zip(prompts, ANSWERS, strict=True)):
        assert torch.allclose(ours[row, : len(answer)], naive(model, prompt, answer), atol=1e-5)


def test_gradients_equal_those_of_every_prompt_by_itself(model):
    prompts = asked(model)
    together = gradients(model, shared(model, prompts, ANSWERS).sum())
    each = (naive(model, *one).sum() for one in zip(prompts, ANSWERS, strict=True))
    apart = gradients(model, sum(each, torch.zeros(())))
    assert together.keys() == apart.keys()
    for name, gradient in together.items():
        assert torch.allclose(gradient, apart[name], atol=1e-4, rtol=1e-3), name
