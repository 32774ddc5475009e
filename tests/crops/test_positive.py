"""The positive crop: the evidence and its margin, nothing outside the image."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vzero import geometry
from vzero.crops.positive import positive_box, positive_view

IMAGE = np.arange(40 * 60 * 3, dtype=np.uint32).reshape(40, 60, 3).astype(np.uint8)


def test_the_margin_is_added_on_every_side_and_rounded_outward():
    pixels, box = positive_view(IMAGE, (10.0, 10.0, 20.5, 30.0), margin=0.1, upscale=1)
    assert box == (8, 8, 22, 32)  # 10 - 1.05, 10 - 2, 20.5 + 1.05, 30 + 2
    assert np.array_equal(pixels, IMAGE[8:32, 8:22])


def test_the_crop_stops_at_the_image_border():
    _, box = positive_view(IMAGE, (0, 0, 60, 5), margin=0.5, upscale=1)
    assert box == (0, 0, 60, 8)


def test_upscaling_doubles_the_sides():
    pixels, box = positive_view(IMAGE, (10, 10, 20, 20), margin=0, upscale=2)
    assert box == (10, 10, 20, 20)
    assert pixels.shape == (20, 20, 3)


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    st.floats(0, 2),
)
def test_every_crop_is_inside_the_image_and_holds_the_evidence(width, height, corners, margin):
    (x1, x2), (y1, y2) = sorted(corners[::2]), sorted(corners[1::2])
    evidence = (x1 * width, y1 * height, x2 * width, y2 * height)
    box = positive_box(evidence, width, height, margin=margin)
    assert 0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height
    grown = (box[0] - 1e-3, box[1] - 1e-3, box[2] + 1e-3, box[3] + 1e-3)
    assert geometry.area(evidence) == 0 or geometry.coverage(evidence, grown) > 0.999999
