"""Which images share a file: a function of their neighbours, so that little changes when some are added."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.sources.sharding import assign_shards

KEYS = st.lists(st.integers(0, 2**64 - 1), max_size=300).map(lambda keys: np.array(keys, np.uint64))


def test_a_shard_ends_at_a_marked_image_once_it_has_half_of_the_mean():
    keys = np.array([1, 3, 4, 1, 1, 2, 6, 1, 1], np.uint64)  # of mean 4: even ones are marked
    assert assign_shards(keys, 4).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_without_a_marked_image_it_ends_at_twice_the_mean():
    assert assign_shards(np.ones(20, np.uint64), 8).tolist() == [0] * 16 + [1] * 4


@given(KEYS, st.integers(1, 40))
def test_shards_are_runs_of_images_and_none_is_too_small_or_too_large(keys, mean):
    shards = assign_shards(keys, mean)
    numbers, sizes = np.unique(shards, return_counts=True)
    assert shards.tolist() == sorted(shards) and numbers.tolist() == list(range(len(numbers)))
    assert all(max(mean // 2, 1) <= size <= 2 * mean for size in sizes[:-1])


@pytest.mark.parametrize("place", [0, 4_321, 33_333, 100_000], ids=["first", "early", "late", "last"])
def test_one_percent_more_images_change_about_one_percent_of_the_shards(place):
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 2**64, 100_000, np.uint64)
    more = np.insert(keys, place, rng.integers(0, 2**64, 1_000, np.uint64))
    before, after = set(contents(keys)), contents(more)
    assert len(after) == pytest.approx(100_000 / 256, rel=0.1)
    changed = sum(content not in before for content in after)
    assert changed / len(after) < 0.02


def contents(keys: np.ndarray) -> list[bytes]:
    """The images of each shard."""
    ends = np.flatnonzero(np.diff(assign_shards(keys, 256))) + 1
    return [part.tobytes() for part in np.split(keys, ends)]
