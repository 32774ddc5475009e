"""Thinking and answer apart."""

from __future__ import annotations

import pytest

from vzero.answers.thinking import split_thinking


@pytest.mark.parametrize(
    ("reply", "thinking", "answer"),
    [
        ("The answer is B.", None, "The answer is B."),
        ("<think>Option A is wrong.</think>\nB", "Option A is wrong.", "B"),
        ("It may be A.</think>\n\nB", "It may be A.", "B"),  # the prompt itself opened the tag
        ("<think>a</think>b</think>c", "a</think>b", "c"),
        ("<think></think>B", "", "B"),
        ("<think>still at it", None, "<think>still at it"),
        ("done</think>", "done", ""),
        ("", None, ""),
    ],
)
def test_the_last_closing_tag_parts_them(reply: str, thinking: str | None, answer: str):
    assert split_thinking(reply) == (thinking, answer)
