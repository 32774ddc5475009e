"""Boxes with noise: how many are moved, where to, and that nothing else of a sample changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.config import NeedleSource, WorldName
from vzero.geometry import PixelBox
from vzero.needle.box_noise import noisy_boxes
from vzero.needle.dataset import draw_samples

SIDE = 112


def disjoint(a: PixelBox, b: PixelBox) -> bool:
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


@pytest.mark.parametrize("world", ["needle", "chain"])
def test_noise_changes_boxes_alone_and_as_many_as_it_says(world: WorldName):
    clean = list(draw_samples(NeedleSource(world=world), "train", 0, 240))
    noisy = list(draw_samples(NeedleSource(world=world, moved_boxes=0.4), "train", 0, 240))
    assert [replace(sample, boxes=()) for sample in noisy] == [replace(sample, boxes=()) for sample in clean]
    moved = [a.boxes != b.boxes for a, b in zip(clean, noisy, strict=True)]
    assert 0.3 < np.mean(moved) < 0.5  # 0.4 with three standard errors of 0.032


@given(st.integers(0, 10_000))
def test_a_moved_box_keeps_its_size_and_leaves_what_is_asked_about(seed):
    box = (40, 50, 64, 74)
    (moved,) = noisy_boxes(np.random.default_rng(seed), [box], SIDE, NeedleSource(moved_boxes=1.0))
    assert (moved[2] - moved[0], moved[3] - moved[1]) == (24, 24)
    assert disjoint(moved, box)
    assert min(moved) >= 0
    assert max(moved) <= SIDE


@given(st.integers(0, 10_000))
def test_where_nothing_is_free_a_box_goes_anywhere(seed):
    boxes = [(0, 0, 30, 30), (82, 82, 112, 112)]
    moved = noisy_boxes(np.random.default_rng(seed), boxes, SIDE, NeedleSource(moved_boxes=1.0))
    assert all((box[2] - box[0], box[3] - box[1]) == (30, 30) for box in moved)
    assert all(0 <= edge <= SIDE for box in moved for edge in box)


def test_jitter_is_as_large_as_it_says():
    rng, box = np.random.default_rng(0), (40, 40, 60, 80)
    drawn = np.array([noisy_boxes(rng, [box], SIDE, NeedleSource(box_jitter=0.1))[0] for _ in range(3000)])
    off = drawn - np.array(box)
    assert np.abs(off.mean(axis=0)).max() < 0.2
    assert off.std(axis=0) == pytest.approx([2, 4, 2, 4], rel=0.06)


@given(st.integers(0, 10_000))
def test_jittered_boxes_stay_inside_and_keep_something(seed):
    boxes = [(0, 0, 9, 112), (100, 100, 112, 112)]
    jittered = noisy_boxes(np.random.default_rng(seed), boxes, SIDE, NeedleSource(box_jitter=1.0))
    for x1, y1, x2, y2 in jittered:
        assert 0 <= x1 <= x2 - 8
        assert 0 <= y1 <= y2 - 8
        assert max(x2, y2) <= SIDE
