"""Irrelevant windows: off the target when anything allows it, by which rule, and never the same twice."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero import geometry, imaging
from vzero.crops import irrelevant
from vzero.crops.irrelevant import choose_windows

DIVISORS = st.sampled_from([1, 2])


def choose(image, evidence, window, *, max_overlap, seed, divisor=2):
    """The one window for one seed, or None."""
    found = choose_windows(image, evidence, window, divisor=divisor, max_overlap=max_overlap, seeds=[seed])
    assert len(found) <= 1
    return next(iter(found), None)


@st.composite
def targets(draw):
    """Sides of an image, an evidence box inside it, and the sides of a positive crop."""
    width, height = draw(st.integers(2, 400)), draw(st.integers(2, 400))
    x1, y1 = draw(st.floats(0, width - 1)), draw(st.floats(0, height - 1))
    box = x1, y1, draw(st.floats(x1 + 1, width)), draw(st.floats(y1 + 1, height))
    window = draw(st.integers(1, width)), draw(st.integers(1, height))
    return (width, height), box, window


@given(targets(), DIVISORS, st.integers(0, 2**64 - 1))
def test_every_window_keeps_the_promise_of_its_code(scene, divisor, seed):
    image, evidence, window = scene
    found = choose(image, evidence, window, divisor=divisor, max_overlap=0.05, seed=seed)
    if found is None:
        return
    width, height = irrelevant.grid_of(image, divisor)
    x1, y1, x2, y2 = found.box
    assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height, "inside the grid"
    in_image = irrelevant.in_full_resolution(found.box, image, divisor)
    shared, whole = geometry.intersection(in_image, evidence), geometry.area(in_image)
    if found.fallback == "exact":
        assert (x2 - x1, y2 - y1) == window and shared < 1e-3 * whole
    elif found.fallback == "shrunk":
        assert x2 - x1 <= window[0] and y2 - y1 <= window[1] and shared < 1e-3 * whole
        assert min(x2 - x1, y2 - y1) >= irrelevant.MIN_SHRUNK_SIDE
        assert abs((x2 - x1) / window[0] - (y2 - y1) / window[1]) <= 1 / min(window), "same aspect"
    else:
        assert (x2 - x1, y2 - y1) == window and shared <= 0.0501 * whole


@given(targets(), DIVISORS, st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6))
def test_several_windows_differ_and_begin_with_those_of_fewer(scene, divisor, seeds):
    image, evidence, window = scene
    several, fewer = (
        choose_windows(image, evidence, window, divisor=divisor, max_overlap=0.05, seeds=part)
        for part in (seeds, seeds[:-1])
    )
    assert len({found.box for found in several}) == len(several) <= len(seeds)
    assert len({found.fallback for found in several}) <= 1, "one rule decides for all"
    assert several[: len(seeds) - 1] == fewer


def test_all_places_are_taken_before_there_are_too_few():
    # Half grid 6 x 4, target its left half: a 2 x 3 window has 2 columns x 2 rows of positions.
    found = choose_windows((12, 8), (0, 0, 6, 8), (2, 3), divisor=2, max_overlap=0, seeds=[5] * 9)
    assert sorted(window.box[:2] for window in found) == [(3, 0), (3, 1), (4, 0), (4, 1)]


def test_full_resolution_has_room_where_half_has_none():
    evidence, window = (0, 0, 40, 100), (40, 40)
    assert choose((100, 100), evidence, window, max_overlap=0, seed=7, divisor=1).fallback == "exact"
    assert choose((100, 100), evidence, window, max_overlap=0, seed=7, divisor=2).fallback == "shrunk"


def test_all_admissible_positions_are_equally_likely():
    # Half grid 6 x 4, target its left half: a 2 x 2 window has 2 columns x 3 rows of positions.
    counts = Counter(
        choose((12, 8), (0, 0, 6, 8), (2, 2), max_overlap=0, seed=seed).box[:2] for seed in range(6_000)
    )
    assert counts == {(x, y): 1_000 for x in (3, 4) for y in (0, 1, 2)}


def test_a_half_pixel_that_mixes_in_the_target_belongs_to_it():
    # The target begins at full-resolution column 5, inside half-resolution column 2.
    for seed in range(20):
        found = choose((12, 2), (5, 0, 12, 2), (2, 1), max_overlap=0, seed=seed)
        assert found.box == (0, 0, 2, 1)


def test_a_window_that_does_not_fit_beside_the_target_shrinks():
    # Half grid 50 x 50, target 20 x 50 in the left: beside it a square of at most 30.
    found = choose((100, 100), (0, 0, 40, 100), (40, 40), max_overlap=0, seed=7)
    assert found.fallback == "shrunk"
    assert found.box[2] - found.box[0] == found.box[3] - found.box[1] == 30
    assert found.box[0] == 20


def test_a_sliver_is_worth_less_than_a_little_overlap():
    # Half grid 40 x 7, target 2 x 1 at the top: below it are 6 rows, a window of less than 8 pixels.
    found = choose((80, 14), (38, 0, 42, 2), (30, 7), max_overlap=0.05, seed=3)
    assert found.fallback == "overlap"
    assert found.box == (3, 0, 33, 7)
    assert choose((80, 14), (38, 0, 42, 2), (30, 7), max_overlap=0.009, seed=3) is None


def test_no_rule_allows_a_window_larger_than_the_half_image():
    assert choose((20, 20), (0, 0, 20, 20), (15, 15), max_overlap=0.05, seed=0) is None


@pytest.mark.parametrize("divisor", [1, 2])
@given(st.integers(1, 50), st.integers(1, 50))
def test_the_grid_is_the_halved_image_or_the_image(divisor, width, height):
    pixels = np.zeros((height, width, 3), np.uint8)
    shown = imaging.halve(pixels) if divisor == 2 else pixels
    assert irrelevant.grid_of((width, height), divisor) == (shown.shape[1], shown.shape[0])
