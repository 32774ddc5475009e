"""Pictures of the data page: where a close-up looks, and that pictures stay light."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero import imaging
from vzero.pages.pictures import HEAVY, embed
from vzero.quality.pictures import close_window


@pytest.mark.parametrize(
    "box, window",
    [
        ([100, 100, 140, 120], (60, 80, 180, 140)),  # its sides again on every side
        ([100, 100, 102, 101], (85, 84, 117, 117)),  # the smallest: 32 pixels
        ([0, 0, 40, 20], (0, 0, 80, 40)),  # cut at the image's edge
    ],
)
def test_a_close_up_shows_what_is_around_the_evidence(box: list[float], window: tuple[int, ...]):
    assert close_window(box, 640, 480) == window


@given(st.data())
def test_a_close_up_holds_the_whole_evidence_and_nothing_outside_of_the_image(data: st.DataObject):
    width, height = data.draw(st.integers(1, 5000)), data.draw(st.integers(1, 5000))
    x0, x1 = sorted(data.draw(st.lists(st.floats(0, width), min_size=2, max_size=2)))
    y0, y1 = sorted(data.draw(st.lists(st.floats(0, height), min_size=2, max_size=2)))
    left, top, right, bottom = close_window([x0, y0, x1, y1], width, height)
    assert 0 <= left <= x0 <= x1 <= right <= width and 0 <= top <= y0 <= y1 <= bottom <= height
    assert left < right and top < bottom


def noise(width: int, height: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return imaging.encode_png(pixels)


def test_small_drawings_stay_exact_and_photos_do_not_fill_the_page():
    flat = embed(imaging.encode_png(np.zeros((300, 300, 3), np.uint8)))
    assert flat.uri.startswith("data:image/png;")
    heavy = embed(noise(300, 300))
    assert heavy.uri.startswith("data:image/jpeg;")
    assert len(base64.b64decode(heavy.uri.split(",")[1])) < 300 * 300 * 3 / 2 and len(noise(300, 300)) > HEAVY


@pytest.mark.parametrize("width, height", [(3000, 1), (1, 3000)])
def test_pictures_of_extreme_shapes_keep_a_side(width: int, height: int):
    shown = embed(noise(width, height), 100)
    assert (shown.width, shown.height) == (width, height)
    sides = imaging.probe(base64.b64decode(shown.uri.split(",")[1]))[:2]
    assert sorted(sides) == [1, 100]
