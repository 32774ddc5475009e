"""What a token is drawn from: the whole vocabulary, its likeliest, or the nucleus."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vzero.rollout.sampling import Sampling

SHARES = [0.4, 0.3, 0.2, 0.1]
LOGITS = torch.tensor([[math.log(share) for share in SHARES]], dtype=torch.float64)


def drawn(**settings: float) -> list[float]:
    shares = Sampling(**{"temperature": 1.0, "max_new_tokens": 1, **settings}).probabilities(LOGITS)[0]  # type: ignore[arg-type]
    return (shares / shares.sum()).tolist()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, SHARES),
        ({"top_k": 2}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_k": 9}, SHARES),
        ({"top_p": 0.7}, [4 / 7, 3 / 7, 0, 0]),  # the first two reach it
        ({"top_p": 0.71}, [4 / 9, 3 / 9, 2 / 9, 0]),
        ({"top_p": 0.01}, [1, 0, 0, 0]),
        ({"top_k": 3, "top_p": 0.75}, [4 / 7, 3 / 7, 0, 0]),  # of the three: 4/9 and 3/9 are 0.78
        ({"temperature": 0.5}, [16 / 30, 9 / 30, 4 / 30, 1 / 30]),
    ],
)
def test_shares_worked_by_hand(settings: dict[str, float], expected: list[float]):
    assert drawn(**settings) == pytest.approx(expected)


@given(
    st.lists(st.floats(-9, 9), min_size=1, max_size=12),
    st.floats(0.05, 1.0),
    st.integers(0, 12),
)
def test_the_likeliest_token_is_always_kept_and_no_less_likely_one_before_a_likelier(
    logits: list[float], top_p: float, top_k: int
):
    scores = torch.tensor([logits], dtype=torch.float64)
    shares = Sampling(1.0, 1, top_p, top_k).probabilities(scores)[0]
    kept = scores[0][shares > 0]
    assert shares[scores[0].argmax()] > 0
    assert (kept.min() >= scores[0][shares == 0]).all() if (shares == 0).any() else True
    full = torch.softmax(scores[0], dim=-1)
    assert top_k > 0 or full[shares > 0].sum() >= min(top_p, 1.0) - 1e-9
