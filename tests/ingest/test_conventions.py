"""Box conventions are verified on the numbers: wrong ones are caught, right ones never are."""

from itertools import permutations

import numpy as np
import pytest
import written_boxes
from hypothesis import given, settings
from hypothesis import strategies as st

from vzero import geometry
from vzero.geometry import BoxFormat
from vzero.ingest.conventions import CONVENTIONS, MIN_BOXES, SourceBox, contradiction, corners, count, verdict

DECLARABLE = [convention for convention in CONVENTIONS if convention.unit != "fraction_of_square"]


def boxes_anywhere(rng: np.random.Generator, extents: np.ndarray, largest: float = 0.15) -> np.ndarray:
    """Small objects, anywhere in their image: (n, 4) corners as shares of its sides."""
    sides = rng.uniform(0.01, largest, (len(extents), 2))
    start = rng.uniform(0, 1, (len(extents), 2)) * (1 - sides)
    return np.hstack([start, start + sides])


def photos(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Sizes of 640 to 4000 pixels in common aspects."""
    width = rng.integers(640, 4001, rows)
    height = (width * rng.choice([9 / 16, 2 / 3, 3 / 4, 1, 4 / 3], rows)).astype(int)
    return np.stack([width, height], axis=1)


def written(
    shares: np.ndarray, extents: np.ndarray, truth: BoxFormat, declared: BoxFormat
) -> list[SourceBox]:
    """Boxes as a source of convention `truth` writes them, declared as another."""
    pixels = shares * np.tile(extents, 2)
    return [
        SourceBox(
            written_boxes.written(tuple(box), truth, *map(int, extent)),
            declared,
            (int(extent[0]), int(extent[1])),
            1,
        )
        for box, extent in zip(pixels, extents, strict=True)
    ]


def judged(boxes: list[SourceBox]):
    [(declared, counts)] = count(boxes).items()
    return contradiction(counts, declared)


@pytest.mark.parametrize("rows", [50, 400])
@pytest.mark.parametrize(("truth", "declared"), list(permutations(DECLARABLE, 2)), ids=str)
def test_every_wrong_declaration_is_caught_and_the_right_one_is_named(truth, declared, rows):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        extents = photos(rng, rows)
        found = judged(written(boxes_anywhere(rng, extents), extents, truth, declared))
        assert found is not None, f"seed {seed}"
        assert (found.fitting, found.turned, found.boxes) == (truth, False, rows)
        assert found.as_fitting >= 0.98 and found.alike == ()


def test_conventions_that_nothing_tells_apart_are_all_named():
    # No number is above 460: on 2000 x 1500 they may be thousandths, or pixels further up and to the left.
    declared, extent = BoxFormat("xyxy", "fraction"), (2000, 1500)
    numbers = [(30 + 3 * i, 30 + 3 * i, 60 + 5 * i, 60 + 5 * i) for i in range(81)]
    found = judged([SourceBox(four, declared, extent, 1) for four in numbers])
    assert found is not None
    assert {found.fitting, *found.alike} >= {BoxFormat("xyxy", "pixel"), BoxFormat("xyxy", "thousandth")}


@pytest.mark.parametrize("extent", [(640, 480), (800, 600), (1280, 720), (2000, 1500), (4000, 3000)])
@pytest.mark.parametrize(
    ("truth", "declared"), [("pixel", "thousandth"), ("thousandth", "pixel")], ids="{0}".format
)
def test_pixels_and_thousandths_are_told_apart_on_images_of_one_size(extent, truth, declared):
    rng = np.random.default_rng(1)
    extents = np.tile(extent, (200, 1))
    boxes = written(
        boxes_anywhere(rng, extents), extents, BoxFormat("xyxy", truth), BoxFormat("xyxy", declared)
    )
    found = judged(boxes)
    assert found is not None and found.fitting.unit == truth


SIZES = st.sampled_from(
    [(60, 50), (224, 224), (480, 480), (640, 480), (1000, 750), (2000, 2000), (4000, 3000)]
)


@st.composite
def sources(draw) -> list[SourceBox]:
    """Rightly declared sources of any layout: clusters, one corner, the middle, one constant box; up to 5 %
    of their boxes reach out of the image or have swapped corners. Sides are three pixels or more."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = draw(st.integers(1, 300))
    sizes = np.array(draw(st.lists(SIZES, min_size=1, max_size=4)))
    extents = sizes[rng.integers(0, len(sizes), rows)]
    if draw(st.booleans()):
        extents = (extents * rng.uniform(0.5, 1, (rows, 1))).astype(int)
    low = draw(st.floats(0, 0.9))
    high = draw(st.floats(min(low + 0.02, 1), 1))
    largest = draw(st.floats(0.01, 1))
    shares = low + (high - low) * boxes_anywhere(rng, extents, largest=max(largest, 0.011))
    shares[:, 2:] = np.maximum(shares[:, 2:], shares[:, :2] + 3 / extents)
    if draw(st.booleans()):
        shares[:] = shares[0]
    odd = rng.choice(rows, int(rows * draw(st.floats(0, 0.05))), replace=False)
    shares[odd] = shares[odd][:, [2, 3, 0, 1]] if draw(st.booleans()) else shares[odd] + 0.5
    declared = draw(st.sampled_from(CONVENTIONS))
    return written(shares, extents, declared, declared)


@settings(max_examples=150, deadline=None)
@given(sources())
def test_a_right_declaration_is_never_refused(boxes):
    assert judged(boxes) is None


@given(st.integers(1, MIN_BOXES - 1))
@settings(max_examples=5, deadline=None)
def test_nothing_is_decided_on_few_boxes(rows):
    rng = np.random.default_rng(rows)
    extents = photos(rng, rows)
    boxes = written(
        boxes_anywhere(rng, extents), extents, BoxFormat("xyxy", "pixel"), BoxFormat("xyxy", "fraction")
    )
    assert judged(boxes) is None


@pytest.mark.parametrize("convention", CONVENTIONS, ids=str)
def test_corners_are_those_of_to_pixels(convention):
    rng = np.random.default_rng(0)
    extents, numbers = rng.integers(1, 3000, (20, 2)), rng.uniform(-1, 2, (20, 4))
    found = np.hstack(corners(numbers, convention, extents.astype(float)))
    expected = [
        geometry.to_pixels(list(box), convention, *map(int, extent))
        for box, extent in zip(numbers, extents, strict=True)
    ]
    np.testing.assert_allclose(found, expected)


def test_counts_of_parts_add_up():
    rng = np.random.default_rng(3)
    extents = photos(rng, 60)
    boxes = written(boxes_anywhere(rng, extents), extents, BoxFormat(), BoxFormat())
    whole, first, second = (count(part)[BoxFormat()] for part in (boxes, boxes[:25], boxes[25:]))
    added = first + second
    assert added.boxes == whole.boxes == 60
    for name in ("inside", "fits", "ends", "turned"):
        np.testing.assert_array_equal(getattr(added, name), getattr(whole, name))


def portraits(rows: int, turned: bool) -> list[SourceBox]:
    """Boxes of landscape pictures that EXIF shows upright, on the stored grid or on the shown one."""
    rng = np.random.default_rng(5)
    stored, shown = np.tile((1600, 900), (rows, 1)), np.tile((900, 1600), (rows, 1))
    grid = shown if turned else stored
    boxes = boxes_anywhere(rng, grid) * np.tile(grid, 2)
    return [SourceBox(box, BoxFormat(), (1600, 900), 6) for box in boxes.tolist()]


def test_boxes_on_the_grid_that_exif_shows_contradict_the_stored_one():
    found = judged(portraits(80, turned=True))
    assert found is not None and found.turned and found.fitting == BoxFormat()
    assert found.as_declared < 0.9 < found.as_fitting
    assert judged(portraits(80, turned=False)) is None


def test_five_boxes_that_fit_the_other_grid_alone_tell_of_a_few_photos():
    low = [SourceBox([10, 1000 + number, 400, 1400], BoxFormat(), (1600, 900), 6) for number in range(5)]
    assert judged(low) is not None and judged(low[:4]) is None
    assert judged([*low, SourceBox([1000, 10, 1400, 400], BoxFormat(), (1600, 900), 6)]) is None, (
        "not all on one"
    )


@pytest.mark.parametrize(
    ("orientation", "corner", "expected"),
    [
        (1, (0.9, 0.9), "verified"),
        (3, (0.9, 0.9), "cannot tell"),  # upside down the same numbers are as good
        (6, (0.9, 0.5), "verified"),
        (6, (0.5, 0.5), "cannot tell"),  # near the upper left they fit both
        (6, (0.5, 1.5), "contradicted"),
    ],
)
def test_what_boxes_are_drawn_on_is_verified_only_where_numbers_can_tell(orientation, corner, expected):
    x, y = 1600 * corner[0], 900 * corner[1]
    numbers = [[x - 200 - number, y - 100, x, y] for number in range(MIN_BOXES)]
    boxes = [SourceBox(four, BoxFormat(), (1600, 900), orientation) for four in numbers]
    counts = count(boxes)[BoxFormat()]
    assert verdict(counts, BoxFormat(), contradiction(counts, BoxFormat())) == expected


def test_a_tenth_of_boxes_on_turned_photos_is_let_pass_and_more_is_not():
    def said(turned: int) -> str:
        boxes = [
            SourceBox([10, 10, 60, 60 + number], BoxFormat(), (640, 480), 3 if number < turned else 1)
            for number in range(100)
        ]
        return verdict(count(boxes)[BoxFormat()], BoxFormat(), None)

    assert (said(10), said(11)) == ("verified", "cannot tell")


def test_a_hand_worked_box():
    # xywh 10 20 30 40 in 100 x 200: ends at (40, 60), so 0.4 and 0.3 of the sides; as xyxy the same numbers
    # are a box too, as shares they reach far out.
    counts = count([SourceBox([10, 20, 30, 40], BoxFormat("xywh"), (100, 200), 3)])[BoxFormat("xywh")]
    by_name = dict(zip(CONVENTIONS, counts.inside.tolist(), strict=True))
    assert by_name[BoxFormat("xywh")] == by_name[BoxFormat("xyxy")] == 1
    assert by_name[BoxFormat("xyxy", "fraction")] == 0
    ends = counts.ends[CONVENTIONS.index(BoxFormat("xywh"))].sum(axis=0)
    assert ends.tolist() == [0, 0, 2, 0, 0, 0, 0, 0, 0]
    assert counts.turned.tolist() == [1, 1, 1, 1]
