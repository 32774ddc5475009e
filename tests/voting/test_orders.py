"""In which orders options are shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vzero.voting.orders import shown_orders


@given(st.integers(2, 6), st.integers(1, 10), st.integers(0, 2**32 - 1))
def test_of_two_options_each_stands_first_in_half_of_an_even_number_of_orders(options, pairs, seed):
    orders = shown_orders(options, 2 * pairs, seed=seed)
    assert all(sorted(order) == list(range(options)) for order in orders)
    for one in range(options):
        for other in range(one):
            assert sum(order.index(one) < order.index(other) for order in orders) == pairs


def test_they_depend_on_the_seed_alone():
    assert shown_orders(4, 6, seed=3) == shown_orders(4, 8, seed=3)[:6]
    assert shown_orders(4, 6, seed=3) != shown_orders(4, 6, seed=4)
