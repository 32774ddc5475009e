"""The positive crop: the evidence and its margin, nothing outside the image, as wide as asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero import geometry
from vzero.config import Crops
from vzero.crops.positive import positive_box, positive_view

IMAGE = np.arange(40 * 60 * 3, dtype=np.uint32).reshape(40, 60, 3).astype(np.uint8)


def test_the_margin_is_added_on_every_side_and_rounded_outward():
    pixels, box = positive_view(IMAGE, (10.0, 10.0, 20.5, 30.0), Crops(margin=0.1, upscale=1))
    assert box == (8, 8, 22, 32)  # 10 - 1.05, 10 - 2, 20.5 + 1.05, 30 + 2
    assert np.array_equal(pixels, IMAGE[8:32, 8:22])


def test_the_crop_stops_at_the_image_border():
    _, box = positive_view(IMAGE, (0, 0, 60, 5), Crops(margin=0.5, upscale=1))
    assert box == (0, 0, 60, 8)


def test_upscaling_doubles_the_sides():
    pixels, box = positive_view(IMAGE, (10, 10, 20, 20), Crops(margin=0, upscale=2))
    assert box == (10, 10, 20, 20)
    assert pixels.shape == (20, 20, 3)


@pytest.mark.parametrize(
    ("evidence", "min_side", "box"),
    [
        ((20, 10, 30, 20), 16, (17, 7, 33, 23)),  # 6 more, 3 to each end
        ((20, 10, 30, 20), 13, (19, 9, 32, 22)),  # 3 more, the odd one at the right and below
        ((2, 36, 12, 40), 16, (0, 24, 16, 40)),  # away from the border
        ((10, 18, 50, 19), 16, (10, 11, 50, 27)),  # a strip: its long side is enough
        ((10, 18, 50, 19), 50, (5, 0, 55, 40)),  # the image is 40 high
        ((20, 10, 30, 20), 10, (20, 10, 30, 20)),
        ((20, 10, 30, 20), 900, (0, 0, 60, 40)),
    ],
)
def test_a_short_side_of_the_window_grows_inside_the_image(evidence, min_side, box):
    pixels, found = positive_view(IMAGE, evidence, Crops(margin=0, min_side=min_side))
    assert found == box
    assert pixels.shape == (2 * (box[3] - box[1]), 2 * (box[2] - box[0]), 3), "enlarged after it is widened"


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    st.floats(0, 2),
    st.integers(1, 400),
)
def test_every_crop_is_inside_the_image_holds_the_evidence_and_is_as_wide_as_asked(
    width, height, corners, margin, min_side
):
    (x1, x2), (y1, y2) = sorted(corners[::2]), sorted(corners[1::2])
    evidence = (x1 * width, y1 * height, x2 * width, y2 * height)
    plain = positive_box(evidence, width, height, margin=margin)
    for box in (plain, positive_box(evidence, width, height, margin=margin, min_side=min_side)):
        assert 0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height
        grown = (box[0] - 1e-3, box[1] - 1e-3, box[2] + 1e-3, box[3] + 1e-3)
        assert geometry.area(evidence) == 0 or geometry.coverage(evidence, grown) > 0.999999
    assert geometry.coverage(plain, box) == 1.0
    sides = [
        max(found, min(min_side, limit))
        for found, limit in zip(geometry.sides(plain), (width, height), strict=True)
    ]
    assert geometry.sides(box) == tuple(sides), "no wider than needed either"
