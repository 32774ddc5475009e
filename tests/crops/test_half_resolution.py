"""Negative windows: off the target when anything allows it, and by which rule."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vzero import geometry, imaging
from vzero.crops import half_resolution
from vzero.crops.half_resolution import choose_anywhere, choose_window


@st.composite
def targets(draw):
    """Sides of an image, an evidence box inside it, and the sides of a positive crop."""
    width, height = draw(st.integers(2, 400)), draw(st.integers(2, 400))
    x1, y1 = draw(st.floats(0, width - 1)), draw(st.floats(0, height - 1))
    box = x1, y1, draw(st.floats(x1 + 1, width)), draw(st.floats(y1 + 1, height))
    window = draw(st.integers(1, width)), draw(st.integers(1, height))
    return (width, height), box, window


@given(targets(), st.integers(0, 2**64 - 1))
def test_every_window_keeps_the_promise_of_its_code(scene, seed):
    image, evidence, window = scene
    found = choose_window(image, evidence, window, max_overlap=0.05, seed=seed)
    if found is None:
        return
    width, height = half_resolution.half_extent(*image)
    x1, y1, x2, y2 = found.box
    assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height, "inside the half-resolution image"
    shared = geometry.intersection(half_resolution.in_full_resolution(found.box, image), evidence)
    whole = geometry.area(half_resolution.in_full_resolution(found.box, image))
    if found.fallback == "exact":
        assert (x2 - x1, y2 - y1) == window and shared < 1e-3 * whole
    elif found.fallback == "shrunk":
        assert x2 - x1 <= window[0] and y2 - y1 <= window[1] and shared < 1e-3 * whole
        assert min(x2 - x1, y2 - y1) >= half_resolution.MIN_SHRUNK_SIDE
        assert abs((x2 - x1) / window[0] - (y2 - y1) / window[1]) <= 1 / min(window), "same aspect"
    else:
        assert (x2 - x1, y2 - y1) == window and shared <= 0.0501 * whole


@given(targets(), st.integers(0, 2**64 - 1))
def test_the_choice_depends_on_the_seed_alone(scene, seed):
    image, evidence, window = scene
    first = choose_window(image, evidence, window, max_overlap=0.05, seed=seed)
    assert choose_window(image, evidence, window, max_overlap=0.05, seed=seed) == first


def test_all_admissible_positions_are_equally_likely():
    # Half grid 6 x 4, target its left half: a 2 x 2 window has 2 columns x 3 rows of positions.
    counts = Counter(
        choose_window((12, 8), (0, 0, 6, 8), (2, 2), max_overlap=0, seed=seed).box[:2]
        for seed in range(6_000)
    )
    assert counts == {(x, y): 1_000 for x in (3, 4) for y in (0, 1, 2)}


def test_a_half_pixel_that_mixes_in_the_target_belongs_to_it():
    # The target begins at full-resolution column 5, inside half-resolution column 2.
    for seed in range(20):
        found = choose_window((12, 2), (5, 0, 12, 2), (2, 1), max_overlap=0, seed=seed)
        assert found.box == (0, 0, 2, 1)


def test_a_window_that_does_not_fit_beside_the_target_shrinks():
    # Half grid 50 x 50, target 20 x 50 in the left: beside it a square of at most 30.
    found = choose_window((100, 100), (0, 0, 40, 100), (40, 40), max_overlap=0, seed=7)
    assert found.fallback == "shrunk"
    assert found.box[2] - found.box[0] == found.box[3] - found.box[1] == 30
    assert found.box[0] == 20


def test_a_sliver_is_worth_less_than_a_little_overlap():
    # Half grid 40 x 7, target 2 x 1 at the top: below it are 6 rows, a window of less than 8 pixels.
    found = choose_window((80, 14), (38, 0, 42, 2), (30, 7), max_overlap=0.05, seed=3)
    assert found.fallback == "overlap"
    assert found.box == (3, 0, 33, 7)
    assert choose_window((80, 14), (38, 0, 42, 2), (30, 7), max_overlap=0.009, seed=3) is None


def test_no_rule_allows_a_window_larger_than_the_half_image():
    assert choose_window((20, 20), (0, 0, 20, 20), (15, 15), max_overlap=0.05, seed=0) is None


@given(st.integers(2, 200), st.integers(2, 200), st.integers(0, 2**64 - 1))
def test_a_borrowed_window_is_inside_its_image(width, height, seed):
    found = choose_anywhere((width, height), (width // 2, 1), seed=seed)
    assert found.fallback == "other_image"
    assert found.box[0] == 0 and 0 <= found.box[1] < found.box[3] <= height // 2


def test_a_cut_has_the_positives_sides_times_the_upscale():
    half = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    assert half_resolution.cut(half, (5, 5, 15, 20), (10, 15), 2).shape == (30, 20, 3)
    assert half_resolution.cut(half, (5, 5, 10, 12), (10, 15), 2).shape == (30, 20, 3), "also when shrunk"
    assert np.array_equal(half_resolution.cut(half, (5, 5, 15, 20), (10, 15), 1), half[5:20, 5:15])


@given(st.integers(1, 50), st.integers(1, 50))
def test_the_half_extent_is_the_halved_images(width, height):
    halved = imaging.halve(np.zeros((height, width, 3), np.uint8))
    assert half_resolution.half_extent(width, height) == (halved.shape[1], halved.shape[0])
