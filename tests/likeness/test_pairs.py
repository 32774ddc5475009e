"""Near hashes are those that comparing all pairs one by one finds, whichever way is taken."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.likeness.pairs import Band, Pairs, close_pairs, pairs_by_bands, pairs_by_blocks

HASHES = st.integers(0, 2**64 - 1)


@st.composite
def near_hashes(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Two lists of hashes, some of the second a few bits from one of the first."""
    left = draw(st.lists(HASHES, max_size=12))
    right = draw(st.lists(HASHES, max_size=6))
    for base in draw(st.lists(st.sampled_from(left), max_size=6)) if left else []:
        for bit in draw(st.lists(st.integers(0, 63), max_size=10)):
            base ^= 1 << bit
        right.append(base)
    return left, right


def expected(left: list[int], right: list[int], distance: int) -> list[tuple[int, int, int]]:
    apart = [(i, j, (a ^ b).bit_count()) for i, a in enumerate(left) for j, b in enumerate(right)]
    return [pair for pair in apart if pair[2] <= distance]


def listed(parts: Iterable[Pairs]) -> list[tuple[int, int, int]]:
    """All pairs in order; no left hash may be in two parts."""
    pairs, done = [], -1
    for lefts, rights, bits in parts:
        assert lefts[0] > done
        done = lefts[-1]
        pairs += zip(lefts.tolist(), rights.tolist(), bits.tolist(), strict=True)
    return pairs


@given(near_hashes(), st.integers(0, 16), st.integers(1, 20))
def test_bands_find_all_near_pairs_whatever_is_compared_together(lists, distance: int, together: int):
    left, right = (np.array(hashes, np.uint64) for hashes in lists)
    cuts = np.linspace(0, 64, distance + 2).astype(int).tolist()
    bands = [Band(left, right, first, stop) for first, stop in pairwise(cuts)]
    found = listed(pairs_by_bands(left, right, distance, bands, together=together))
    assert found == expected(*lists, distance)


@given(near_hashes(), st.integers(0, 16), st.integers(1, 5), st.integers(1, 5))
def test_blocks_find_all_near_pairs_whatever_their_size(lists, distance: int, rows: int, columns: int):
    left, right = (np.array(hashes, np.uint64) for hashes in lists)
    found = listed(pairs_by_blocks(left, right, distance, block=(rows, columns)))
    assert found == expected(*lists, distance)


@given(near_hashes(), st.integers(0, 16))
def test_near_pairs_are_those_of_all_pairs(lists, distance: int):
    arrays = (np.array(hashes, np.uint64) for hashes in lists)
    assert listed(close_pairs(*arrays, distance)) == expected(*lists, distance)


@pytest.mark.parametrize("distance", [0, 4, 16])
def test_of_many_hashes_the_near_ones_are_found(distance: int):
    rng = np.random.default_rng(distance)
    left = rng.integers(0, 2**64, 3_000, dtype=np.uint64)
    changed = np.uint64(2**distance - 1)
    found = listed(close_pairs(left, np.concatenate([left ^ changed, ~left]), distance))
    assert [pair for pair in found if pair[0] == pair[1]] == [(i, i, distance) for i in range(3_000)]
