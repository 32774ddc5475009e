"""Irrelevant windows: off the target when anything allows it, by which rule, and never the same twice."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero import geometry, imaging
from vzero.config import Crops
from vzero.crops import places
from vzero.crops.places import RULES, Place, Search

DIVISORS = st.sampled_from([1, 2])
TODAY = ["shrunk", "overlap"]


def found_by(search: Search) -> list[Place]:
    """What the first rule gives that gives any, of those on the image itself."""
    return next(filter(None, (RULES[rule](search) for rule in ("exact", *search.config.fallbacks))), [])


def choose(image, evidence, window, *, seed, divisor=2, fallbacks=TODAY, **config):
    """The one window for one seed, or None."""
    search = Search(image, evidence, window, divisor, Crops(fallbacks=fallbacks, **config), [seed])
    found = found_by(search)
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
    width, height = places.grid_of(image, divisor)
    x1, y1, x2, y2 = found.box
    assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height, "inside the grid"
    in_image = places.in_full_resolution(found.box, image, divisor)
    shared, whole = geometry.intersection(in_image, evidence), geometry.area(in_image)
    if found.fallback == "exact":
        assert (x2 - x1, y2 - y1) == window and shared < 1e-3 * whole
    elif found.fallback == "shrunk":
        assert x2 - x1 <= window[0] and y2 - y1 <= window[1] and shared < 1e-3 * whole
        assert min(x2 - x1, y2 - y1) >= places.MIN_SIDE
        assert abs((x2 - x1) / window[0] - (y2 - y1) / window[1]) <= 1 / min(window), "same aspect"
    else:
        assert (x2 - x1, y2 - y1) == window and shared <= 0.0501 * whole


@given(targets(), DIVISORS, st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6))
def test_several_windows_differ_and_begin_with_those_of_fewer(scene, divisor, seeds):
    image, evidence, window = scene
    several, fewer = (
        found_by(Search(image, evidence, window, divisor, Crops(fallbacks=TODAY), part))
        for part in (seeds, seeds[:-1])
    )
    assert len({found.box for found in several}) == len(several) <= len(seeds)
    assert len({found.fallback for found in several}) <= 1, "one rule decides for all"
    assert several[: len(seeds) - 1] == fewer


def test_all_places_are_taken_before_there_are_too_few():
    # Half grid 6 x 4, target its left half: a 2 x 3 window has 2 columns x 2 rows of positions.
    config = Crops(fallbacks=TODAY, max_overlap=0)
    found = found_by(Search((12, 8), (0, 0, 6, 8), (2, 3), 2, config, [5] * 9))
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


def test_full_resolution_enlarges_half_as_far():
    # Beside the evidence 60 x 100 pixels are left: of the half grid 30 x 30, of the image 60 x 60.
    scene = (100, 100), (0, 0, 40, 100), (40, 40)
    shrunk, finer = (choose(*scene, fallbacks=[rule], seed=7) for rule in ("shrunk", "finer"))
    assert (shrunk.divisor, geometry.sides(shrunk.box)) == (2, (30, 30))
    assert (finer.divisor, geometry.sides(finer.box), finer.fallback) == (1, (60, 60), "finer")
    # Evidence up to 70: 30 x 100 are left, too few for the window at either resolution.
    scene = (100, 100), (0, 0, 70, 100), (40, 40)
    shrunk, finer = (choose(*scene, fallbacks=[rule], seed=7) for rule in ("shrunk", "finer"))
    assert (geometry.sides(shrunk.box), geometry.sides(finer.box)) == ((15, 15), (30, 30))


def test_finer_shows_no_more_of_the_image_than_exact():
    # 150 pixels are left beside the evidence, and exact would show 2 x 40.
    found = choose((200, 79), (0, 0, 50, 79), (40, 40), fallbacks=["finer"], seed=1)
    assert geometry.sides(found.box) == (79, 79)
    room = Search((200, 85), (0, 0, 115, 85), (40, 42), 2, Crops(), [1])
    assert [geometry.sides(found.box) for found in RULES["finer"](room)] == [(80, 84)]


@pytest.mark.parametrize(
    ("fallbacks", "most", "rule"),
    [
        (["shrunk"], None, "shrunk"),
        (["shrunk", "finer"], 1.3, "finer"),  # 40 / 30 is a third more
        (["shrunk", "finer"], 1.34, "shrunk"),
        (["finer", "shrunk"], None, "finer"),
        (["shrunk"], 1.3, None),
        ([], None, None),
    ],
)
def test_the_first_rule_in_the_list_decides_that_enlarges_no_further_than_allowed(fallbacks, most, rule):
    scene = (100, 100), (0, 0, 40, 100), (40, 40)
    found = choose(*scene, fallbacks=fallbacks, max_enlargement=most, seed=7, max_overlap=0)
    assert (found and found.fallback) == rule


@given(targets(), st.floats(1, 8), st.integers(0, 2**64 - 1))
def test_nothing_that_is_found_is_enlarged_further_than_allowed(scene, most, seed):
    image, evidence, window = scene
    found = choose(image, evidence, window, fallbacks=["finer", "shrunk"], max_enlargement=most, seed=seed)
    if found is not None:
        sides = geometry.sides(found.box)
        assert max(window[0] / sides[0], window[1] / sides[1]) <= most
        in_image = places.in_full_resolution(found.box, image, found.divisor)
        assert geometry.intersection(in_image, evidence) < 1e-3 * geometry.area(in_image)


def test_no_rule_allows_a_window_larger_than_the_half_image():
    assert choose((20, 20), (0, 0, 20, 20), (15, 15), max_overlap=0.05, seed=0) is None


@pytest.mark.parametrize("divisor", [1, 2])
@given(st.integers(1, 50), st.integers(1, 50))
def test_the_grid_is_the_halved_image_or_the_image(divisor, width, height):
    pixels = np.zeros((height, width, 3), np.uint8)
    shown = imaging.halve(pixels) if divisor == 2 else pixels
    assert places.grid_of((width, height), divisor) == (shown.shape[1], shown.shape[0])
