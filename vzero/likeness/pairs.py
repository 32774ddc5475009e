"""Pairs of 64-bit hashes that are few bits apart, mostly found without comparing all with all.

Of two hashes that differ in at most d bits and are cut into d + 1 bands, at least one band is the same. So
only hashes that share a band are compared: at 4 bits one pair in 1,500, if they are evenly spread. From about
8 bits on the bands are so short that comparing all takes less time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

TOGETHER = 2**20  # pairs that share a band, compared at once; bounds the memory
BLOCK = (16, 4096)  # of left and right hashes, all compared: so many pairs (512 KiB) fit a processor's cache
LOOK_UP = 40  # times as long as comparing a pair in a block takes finding and comparing one by its band

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


def close_pairs(left: np.ndarray, right: np.ndarray, distance: int) -> Iterator[Pairs]:
    """All pairs of hashes that differ in at most `distance` bits, some left ones at a time.

    `left` (L,) and `right` (R,) are uint64. Each part has positions in both and the Hamming distances, each
    (P,) int64, with all pairs of its left hashes. Parts and pairs are in the order of the left positions,
    then of the right.
    """
    bands = [Band(left, right, first, stop) for first, stop in _cuts(distance + 1)]
    sharing = sum(int(band.counts.sum()) for band in bands)
    if LOOK_UP * sharing <= len(left) * len(right):
        yield from pairs_by_bands(left, right, distance, bands)
    else:
        yield from pairs_by_blocks(left, right, distance)


class Band:
    """Some bits of all hashes, and which right ones have the same there as each left one."""

    def __init__(self, left: np.ndarray, right: np.ndarray, first: int, stop: int) -> None:
        mask = np.uint64(2 ** (stop - first) - 1)
        wanted, held = ((hashes >> np.uint64(first)) & mask for hashes in (left, right))
        self._order = np.argsort(held, kind="stable")
        self._start = np.searchsorted(held, wanted, "left", sorter=self._order)
        self.counts = np.searchsorted(held, wanted, "right", sorter=self._order) - self._start
        """Of right hashes, by left one."""

    def sharing(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the pairs of left hashes `start` to `stop`."""
        counts = self.counts[start:stop]
        before = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(self._start[start:stop] - before, counts)
        return np.repeat(np.arange(start, stop), counts), self._order[places]


def pairs_by_bands(
    left: np.ndarray, right: np.ndarray, distance: int, bands: list[Band], *, together: int = TOGETHER
) -> Iterator[Pairs]:
    """`close_pairs` among those that share one of the bands."""
    for start, stop in _parts(np.sum([band.counts for band in bands], axis=0), together):
        shared = [band.sharing(start, stop) for band in bands]
        lefts, rights = (np.concatenate(positions) for positions in zip(*shared, strict=True))
        bits = np.bitwise_count(left[lefts] ^ right[rights]).astype(np.int64)
        close = bits <= distance
        pairs = lefts[close] * len(right) + rights[close]
        pairs, once = np.unique(pairs, return_index=True)  # some share several bands
        if len(pairs):
            yield *np.divmod(pairs, len(right)), bits[close][once]


def pairs_by_blocks(
    left: np.ndarray, right: np.ndarray, distance: int, *, block: tuple[int, int] = BLOCK
) -> Iterator[Pairs]:
    """`close_pairs` among all."""
    nothing = np.empty(0, np.int64)
    for top in range(0, len(left), block[0]):
        found = [(nothing, nothing, nothing)]
        for start in range(0, len(right), block[1]):
            differing = left[top : top + block[0], None] ^ right[None, start : start + block[1]]
            bits = np.bitwise_count(differing)
            close = np.flatnonzero(bits <= distance)  # far faster than np.nonzero, which finds both axes
            rows, columns = np.divmod(close, bits.shape[1])
            found.append((rows + top, columns + start, bits.ravel()[close].astype(np.int64)))
        lefts, rights, bits = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.lexsort((rights, lefts))
        if len(order):
            yield lefts[order], rights[order], bits[order]


def _cuts(bands: int) -> Iterator[tuple[int, int]]:
    """First bit and end of each band."""
    for band in range(bands):
        yield 64 * band // bands, 64 * (band + 1) // bands


def _parts(counts: np.ndarray, together: int) -> Iterator[tuple[int, int]]:
    """Ranges of left hashes with at most so many pairs in all, or of a single one."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + together, "right")), start + 1)
        yield start, stop
        start = stop
