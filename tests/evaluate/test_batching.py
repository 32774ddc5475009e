"""Prompts packed under a budget of tokens and pixels."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from vzero.evaluate.batching import Cost, batches


def cost(tokens: int, *pictures: str, pixels: int = 100) -> Cost:
    return Cost(tokens, dict.fromkeys(pictures, pixels))


def test_prompts_about_one_picture_stand_together():
    costs = [cost(50, "a"), cost(50, "b"), cost(51, "a"), cost(51, "b")]
    assert batches(costs, tokens=110, pixels=1_000) == [[0, 2], [1, 3]]


def test_a_shared_picture_takes_its_pixels_once():
    costs = [cost(10, "a"), cost(10, "a"), cost(10, "b")]
    assert batches(costs, tokens=1_000, pixels=100) == [[0, 1], [2]]


def test_every_prompt_takes_the_tokens_of_the_longest():
    costs = [cost(10, "a"), cost(40, "b")]
    assert batches(costs, tokens=80, pixels=1_000) == [[0, 1]]
    assert batches(costs, tokens=79, pixels=1_000) == [[0], [1]]


def test_short_prompts_come_first():
    costs = [cost(90, "long"), cost(10, "short"), cost(50, "middle")]
    assert batches(costs, tokens=1, pixels=1) == [[1], [2], [0]]


def test_a_prompt_over_the_budget_is_asked_alone():
    assert batches([cost(500, "a"), cost(5, "b")], tokens=100, pixels=1_000) == [[1], [0]]


def test_nothing_is_no_batch():
    assert batches([], tokens=1, pixels=1) == []


COSTS = st.lists(
    st.builds(
        Cost,
        st.integers(1, 60),
        st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 60), min_size=1, max_size=3),
    ),
    max_size=30,
)


@given(COSTS, st.integers(1, 200), st.integers(1, 200))
def test_every_prompt_is_asked_once_and_the_budget_kept(costs: list[Cost], tokens: int, pixels: int):
    # One picture has one size.
    sizes: dict[str, int] = {}
    costs = [Cost(each.tokens, {n: sizes.setdefault(n, p) for n, p in each.pixels.items()}) for each in costs]
    found = batches(costs, tokens=tokens, pixels=pixels)
    assert Counter(index for batch in found for index in batch) == Counter(range(len(costs)))
    for batch in found:
        shown = {name: size for index in batch for name, size in costs[index].pixels.items()}
        longest = max(costs[index].tokens for index in batch)
        fits = len(batch) * longest <= tokens and sum(shown.values()) <= pixels
        assert fits or len(batch) == 1
