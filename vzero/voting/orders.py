"""Orders in which a question's options are shown from vote to vote."""

from __future__ import annotations

import numpy as np

Order = tuple[int, ...]
"""Which option stands in each place."""


def shown_orders(options: int, votes: int, *, seed: int) -> list[Order]:
    """Random orders, each followed by its reverse: of two options each stands before the other equally often.

    Who takes the first of two options that are both right then votes for either half of the time. An odd
    number of votes ends without the last reverse.
    """
    rng = np.random.default_rng(seed)
    orders: list[Order] = []
    while len(orders) < votes:
        order = tuple(rng.permutation(options).tolist())
        orders += [order, order[::-1]]
    return orders[:votes]
