"""The delta rule in windows is the rule itself, token by token, whatever the decay."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vzero.rollout.delta_rule import WINDOW, DeltaStates

ROWS, HEADS, KEY, VALUE = 2, 3, 4, 5


def by_the_rule(state, query, key, value, decay, strength):
    """A head's new state and output, as the paper writes them."""
    state = state * decay
    state = state + torch.outer(key, strength * (value - state.T @ key))
    return state, state.T @ query


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**16),
    tokens=st.integers(1, 3 * WINDOW),
    fold_after=st.integers(1, WINDOW),
    slowest=st.sampled_from([0.0, -0.1, -5.0, -90.0]),
)
def test_windows_of_any_length_give_the_rule(seed: int, tokens: int, fold_after: int, slowest: float):
    """A decay of exp(-90) is below the smallest float32; nothing of it may turn up as a quotient."""
    random = torch.Generator().manual_seed(seed)
    start = torch.randn(ROWS, HEADS, KEY, VALUE, generator=random)
    states, expected = DeltaStates.of(start.clone()), start.double()
    place = torch.zeros(1, dtype=torch.int64)
    for _ in range(tokens):
        query_key = torch.nn.functional.normalize(torch.randn(ROWS, HEADS, 2, KEY, generator=random), dim=-1)
        value = torch.randn(ROWS, HEADS, VALUE, generator=random)
        decay = slowest * torch.rand(ROWS, HEADS, generator=random)
        strength = torch.rand(ROWS, HEADS, generator=random)
        ours = states.next_output(place, query_key.flatten(0, 1), value, decay, strength)
        place += 1
        if int(place) == fold_after:
            states.fold()
            place.zero_()
        for row in range(ROWS):
            for head in range(HEADS):
                query, key = query_key[row, head].double()
                expected[row, head], output = by_the_rule(
                    expected[row, head],
                    query,
                    key,
                    value[row, head].double(),
                    decay[row, head].double().exp(),
                    strength[row, head].double(),
                )
                torch.testing.assert_close(
                    ours.view(ROWS, HEADS, VALUE)[row, head].double(), output, atol=1e-5, rtol=1e-5
                )
    states.fold()
    torch.testing.assert_close(states.state.double(), expected, atol=1e-5, rtol=1e-5)


def test_a_row_that_begins_anew_knows_nothing_of_the_one_before():
    states = DeltaStates.of(torch.ones(2, 1, 1, 1))
    place, query_key = torch.zeros(1, dtype=torch.int64), torch.ones(2, 2, 1)
    zero, half = torch.zeros(2, 1), torch.full((2, 1), 0.5)
    states.next_output(place, query_key, torch.full((2, 1, 1), 9.0), zero, half)
    states.begin(slice(1, 2), torch.full((1, 1, 1, 1), 3.0))
    states.fold()
    # 1 + 0.5 (9 - 1), and what it was given.
    assert states.state.flatten().tolist() == [5.0, 3.0]


def test_the_first_rows_are_a_view():
    states = DeltaStates.of(torch.ones(3, 1, 1, 1))
    first = states.first(1)
    first.state.fill_(7)
    assert states.state.flatten().tolist() == [7, 1, 1]
    first.next_output(
        torch.zeros(1, dtype=torch.int64),
        torch.ones(1, 2, 1),
        torch.ones(1, 1, 1),
        torch.zeros(1, 1),
        torch.zeros(1, 1),
    )
    assert states.left[:, 0, 0].tolist() == [1, 0, 0]
