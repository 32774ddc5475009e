"""Boxes: every convention means the same region, and nothing ever leaves the image."""

import pytest
import written_boxes
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vzero import geometry
from vzero.geometry import BoxFormat

coordinates = st.floats(-500, 1500, allow_nan=False)
boxes = st.tuples(coordinates, coordinates, st.floats(0.5, 800), st.floats(0.5, 800)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
sizes = st.tuples(st.integers(1, 1000), st.integers(1, 1000))
formats = st.builds(
    BoxFormat,
    order=st.sampled_from(["xyxy", "xywh"]),
    unit=st.sampled_from(["pixel", "fraction", "thousandth", "fraction_of_square"]),
)


@pytest.mark.parametrize(
    ("declared", "numbers"),
    [
        (BoxFormat("xyxy", "pixel"), [20, 10, 60, 40]),
        (BoxFormat("xywh", "pixel"), [20, 10, 40, 30]),
        (BoxFormat("xyxy", "fraction"), [0.1, 0.1, 0.3, 0.4]),
        (BoxFormat("xywh", "fraction"), [0.1, 0.1, 0.2, 0.3]),
        (BoxFormat("xyxy", "thousandth"), [100, 100, 300, 400]),
        (BoxFormat("xywh", "thousandth"), [100, 100, 200, 300]),
        (BoxFormat("xyxy", "fraction_of_square"), [0.1, 0.3, 0.3, 0.45]),  # 50 rows of padding above
        (BoxFormat("xywh", "fraction_of_square"), [0.1, 0.3, 0.2, 0.15]),
    ],
)
def test_every_declared_format_names_the_same_region_of_a_200_by_100_image(declared, numbers):
    assert geometry.to_pixels(numbers, declared, 200, 100) == pytest.approx((20, 10, 60, 40))


@given(boxes, formats, sizes)
def test_conversion_to_a_format_and_back_changes_nothing(box, declared, size):
    there = written_boxes.written(box, declared, *size)
    assert geometry.to_pixels(there, declared, *size) == pytest.approx(box, abs=1e-6)


@pytest.mark.parametrize(("width", "height"), [(31, 20), (20, 31), (30, 20), (25, 25)])
def test_a_fraction_of_the_square_is_found_in_the_image_pasted_in_the_middle_of_one(width, height):
    marked = Image.new("L", (width, height))
    marked.paste(255, (3, 5, 11, 17))
    side = max(width, height)
    square = Image.new("L", (side, side))
    square.paste(marked, ((side - width) // 2, (side - height) // 2))
    there = [edge / side for edge in square.getbbox()]
    declared = BoxFormat("xyxy", "fraction_of_square")
    assert geometry.to_pixels(there, declared, width, height) == pytest.approx((3, 5, 11, 17))


@given(boxes, sizes)
def test_a_clipped_box_is_the_shared_part_with_the_image(box, size):
    width, height = size
    clipped = geometry.clip(box, width, height)
    assert 0 <= clipped[0] <= clipped[2] <= width
    assert 0 <= clipped[1] <= clipped[3] <= height
    assert geometry.area(clipped) == pytest.approx(geometry.intersection(box, (0, 0, width, height)))


@given(st.lists(boxes, min_size=1, max_size=5))
def test_a_union_contains_every_box_and_touches_the_outermost_edges(many):
    whole = geometry.union(many)
    assert all(geometry.coverage(box, whole) == pytest.approx(1) for box in many)
    assert whole[0] in [box[0] for box in many] and whole[3] in [box[3] for box in many]


@given(boxes)
def test_outward_rounding_contains_the_box_and_adds_less_than_a_pixel_a_side(box):
    slack = geometry.ROUNDING_SLACK
    x1, y1, x2, y2 = geometry.round_outward(box)
    assert box[0] - 1 < x1 <= box[0] + slack and box[1] - 1 < y1 <= box[1] + slack
    assert box[2] - slack <= x2 < box[2] + 1 and box[3] - slack <= y2 < box[3] + 1


def test_outward_rounding_forgives_float_noise():
    assert geometry.round_outward((9.999999, 3.0000001, 12.000001, 7.2)) == (10, 3, 12, 8)


def test_a_margin_is_a_share_of_each_side():
    assert geometry.pad((10, 20, 30, 60), 0.1) == pytest.approx((8, 16, 32, 64))


def test_overlap_of_two_boxes_by_hand():
    a, b = (0, 0, 10, 10), (5, 8, 20, 20)
    assert geometry.intersection(a, b) == 10
    assert geometry.coverage(a, b) == pytest.approx(0.1)
    assert geometry.intersection(a, (10, 0, 20, 10)) == 0, "touching edges share nothing"
    assert geometry.coverage((5, 5, 5, 9), a) == 0


def test_an_inverted_box_has_no_area():
    assert geometry.area((10, 10, 5, 20)) == 0
    assert geometry.sides((10, 10, 5, 20)) == (-5, 10)


def test_scaling_treats_the_axes_apart():
    assert geometry.scale((2, 3, 4, 5), 0.5, 2) == (1, 6, 2, 10)
