"""Which images share a file: a function of their neighbours, so that little changes when some are added."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.ingest.sharding import assign_shards


def image_id(number: int) -> str:
    """An id whose first 16 digits, by which shards end, are this number."""
    return f"{number:016x}" + 48 * "0"


IDS = st.lists(st.integers(0, 2**64 - 1).map(image_id), max_size=300)


def test_a_shard_ends_at_a_marked_image_once_it_has_half_of_the_mean():
    ids = map(image_id, [1, 3, 4, 1, 1, 2, 6, 1, 1])  # of mean 4: even ones are marked
    assert assign_shards(ids, 4).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_without_a_marked_image_it_ends_at_twice_the_mean():
    assert assign_shards([image_id(1)] * 20, 8).tolist() == [0] * 16 + [1] * 4


@given(IDS, st.integers(1, 40))
def test_shards_are_runs_of_images_and_none_is_too_small_or_too_large(ids, mean):
    shards = assign_shards(ids, mean).tolist()
    assert shards == sorted(shards)
    sizes = [shards.count(number) for number in range(max(shards, default=-1) + 1)]
    assert all(max(mean // 2, 1) <= size <= 2 * mean for size in sizes[:-1])


@pytest.mark.parametrize("place", [0, 4_321, 33_333, 100_000], ids=["first", "early", "late", "last"])
def test_one_percent_more_images_change_about_one_percent_of_the_shards(place):
    drawn = random.Random(0)
    ids = [image_id(drawn.getrandbits(64)) for _ in range(101_000)]
    old, new = ids[:100_000], ids[100_000:]
    before, after = contents(old), contents(old[:place] + new + old[place:])
    assert len(after) == pytest.approx(100_000 / 256, rel=0.1)
    assert len(after - before) / len(after) < 0.02


def contents(ids: list[str]) -> set[tuple[str, ...]]:
    """The images of each shard."""
    shards: dict[int, list[str]] = {}
    for name, shard in zip(ids, assign_shards(ids, 256).tolist(), strict=True):
        shards.setdefault(shard, []).append(name)
    return {tuple(images) for images in shards.values()}
