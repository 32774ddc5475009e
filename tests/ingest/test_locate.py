"""Ready-cut crops are found in their image to the pixel, or not at all."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vzero import imaging
from vzero.ingest.locate import locate, locate_crops
from vzero.sources.annotation import ReadyCrops
from vzero.untrusted.rejects import Rejected


def textured(width: int, height: int, seed: int) -> np.ndarray:
    """Patches of every size over one another, as photos have, and a little noise."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(0, 2, (height, width, 3))
    for side in (2, 4, 8, 16, 32, 64):
        patches = rng.normal(0, 4 * side**0.5, (height // side + 2, width // side + 2, 3))
        pixels += cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(pixels + 128, 0, 255).astype(np.uint8)


IMAGE = textured(640, 480, seed=0)


def enlarged_by_pillow(cut: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(cut)
    return np.asarray(picture.resize((2 * cut.shape[1], 2 * cut.shape[0]), Image.Resampling.LANCZOS))


ENLARGE = {"ours": lambda cut: imaging.enlarge(cut, 2), "pillow": enlarged_by_pillow}
ENCODE = {"png": imaging.encode_png, "jpeg": imaging.encode_jpeg}


@pytest.mark.parametrize("enlarge", ENLARGE)
@pytest.mark.parametrize("encode", ENCODE)
@settings(max_examples=25)
@given(
    left=st.integers(0, 640 - 20), top=st.integers(0, 480 - 20), data=st.data()
)  # windows of every size, up to the borders
def test_a_crop_is_found_to_the_pixel(enlarge, encode, left, top, data):
    box = left, top, data.draw(st.integers(left + 20, 640)), data.draw(st.integers(top + 20, 480))
    cut = IMAGE[box[1] : box[3], box[0] : box[2]]
    crop = imaging.decode(ENCODE[encode](ENLARGE[enlarge](cut)))
    assert locate(crop, IMAGE, 2) == box


def test_a_crop_at_the_images_own_resolution_is_found():
    assert locate(IMAGE[100:140, 200:280], IMAGE, 1) == (200, 100, 280, 140)


@pytest.mark.parametrize("side", [20, 60, 200])
def test_a_crop_of_another_image_is_not_found(side):
    other = textured(640, 480, seed=1)
    with pytest.raises(Rejected, match="crop_not_found"):
        locate(imaging.enlarge(other[50 : 50 + side, 90 : 90 + side], 2), IMAGE, 2)


def test_a_crop_at_another_scale_than_declared_is_not_found():
    with pytest.raises(Rejected, match="crop_not_found"):
        locate(imaging.enlarge(IMAGE[100:160, 200:280], 2), IMAGE, 1)


def test_odd_sides_are_no_enlargement_by_two():
    with pytest.raises(Rejected, match="no multiples of 2"):
        locate(IMAGE[:41, :40], IMAGE, 2)


def test_a_crop_larger_than_its_image_is_not_found():
    with pytest.raises(Rejected, match="larger than its image"):
        locate(IMAGE, IMAGE[:400], 1)


def test_the_same_thing_twice_in_the_image_is_ambiguous():
    image = IMAGE.copy()
    image[300:340, 500:560] = image[20:60, 30:90]
    with pytest.raises(Rejected, match="crop_ambiguous"):
        locate(imaging.enlarge(image[20:60, 30:90], 2), image, 2)


def test_a_plain_surface_is_nowhere_in_particular():
    image = IMAGE.copy()
    image[100:300, 100:400] = 200
    with pytest.raises(Rejected, match="crop_ambiguous"):
        locate(imaging.enlarge(image[150:190, 150:190], 2), image, 2)


def test_of_two_alike_but_for_a_detail_the_right_one_is_found():
    image = IMAGE.copy()
    image[300:340, 500:560] = image[20:60, 30:90]
    image[315:325, 520:535] = 255 - image[315:325, 520:535]
    crop = imaging.decode(imaging.encode_jpeg(imaging.enlarge(image[300:340, 500:560], 2)))
    assert locate(crop, image, 2) == (500, 300, 560, 340)


def test_every_crop_of_a_row_gets_its_box():
    cuts = [
        imaging.encode_png(imaging.enlarge(IMAGE[y : y + 30, x : x + 30], 2)) for x, y in [(5, 7), (99, 88)]
    ]
    ready = ReadyCrops([{"bytes": cuts[0], "path": None}, {"bytes": cuts[1]}], 2)
    assert locate_crops(ready, IMAGE, lambda cell: cell) == [(5, 7, 35, 37), (99, 88, 129, 118)]


def test_a_line_drawn_around_the_evidence_may_cover_the_windows_border():
    crop = imaging.encode_jpeg(imaging.enlarge(IMAGE[100:150, 200:260], 2))
    image = IMAGE.copy()
    cv2.rectangle(image, (200, 100), (259, 149), (255, 0, 0), 5)
    with pytest.raises(Rejected, match="crop_not_found"):
        locate(imaging.decode(crop), image, 2)
    assert locate_crops(ReadyCrops([crop], 2), image, lambda cell: cell) == [(200, 100, 260, 150)]


def test_a_damaged_crop_says_what_it_is():
    with pytest.raises(Rejected, match="unreadable_image: the ready crop"):
        locate_crops(ReadyCrops([{"bytes": b"no picture"}], 2), IMAGE, lambda cell: cell)
