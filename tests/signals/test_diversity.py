"""Shares of questions that nearly repeat one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.signals.diversity import repeated_shares

SAME = "What letter is on the red circle?"


def test_case_and_punctuation_make_no_difference():
    assert repeated_shares(
        [SAME, "what letter is on the red circle", "How many are there?"], similar=1.0
    ) == [
        0.5,
        0.5,
        0.0,
    ]


def test_neighbouring_words_are_compared():
    """Six pairs of words each, four in common: 4 of 8."""
    blue = SAME.replace("red", "blue")
    assert repeated_shares([SAME, blue], similar=0.5) == [1.0, 1.0]
    assert repeated_shares([SAME, blue], similar=0.51) == [0.0, 0.0]


def test_earlier_questions_count_among_the_others():
    assert repeated_shares([SAME], [SAME, "How many?", "Which?"], similar=0.9) == [pytest.approx(1 / 3)]


def test_a_question_alone_repeats_nothing():
    assert repeated_shares([SAME], similar=0.9) == [0.0]
    assert repeated_shares([], [SAME], similar=0.9) == []


@given(st.lists(st.text("ab ", max_size=6), min_size=2, max_size=8))
def test_shares_are_those_of_a_plain_count(texts):
    shares = repeated_shares(texts, similar=1.0)
    keys = [" ".join(text.split()) for text in texts]
    exact = [(keys.count(key) - 1) / (len(texts) - 1) for key in keys]
    assert all(share >= found - 1e-12 for share, found in zip(shares, exact, strict=True))
    assert all(0.0 <= share <= 1.0 for share in shares)
