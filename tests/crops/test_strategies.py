"""Every strategy for negative views: what it shows, what it must not show, and what it records of it."""

from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vzero import imaging
from vzero.config import Crops, parse_params
from vzero.config.data import WINDOW_STRATEGIES, Negative
from vzero.crops.pair import STRATEGIES, evidence_pair
from vzero.crops.strategy import NO_NEIGHBOURS, Neighbours, Picture
from vzero.errors import ConfigError

PLAIN = Crops(margin=0.5, upscale=1)
EVIDENCE = (20, 20, 40, 30)  # with PLAIN's margin: 10, 15, 50, 35


def picture(width: int, height: int, name: str = "own") -> Picture:
    seed = sum(name.encode()) + width * height
    return Picture(name, np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def among(*pictures: Picture) -> Neighbours:
    by_id = {found.image_id: found for found in pictures}
    return Neighbours({name: found.extent for name, found in by_id.items()}, by_id.__getitem__)


def view(negative: str, own: Picture, *others: Picture, config: Crops = PLAIN, evidence=EVIDENCE) -> dict:
    """The row of one sample, its pictures decoded."""
    config = config.model_copy(update={"negative": negative})
    row = evidence_pair("s", own, evidence, among(own, *others), config)
    pictures = ("positive", "negative", "negative_image")
    decoded = {name: imaging.decode(row[name]) for name in pictures if row[name] is not None}
    return row | decoded | {"more_negatives": [imaging.decode(data) for data in row["more_negatives"]]}


def test_an_image_that_is_no_neighbour_lends_no_window():
    own, twin, other = picture(60, 50), picture(60, 50, "twin"), picture(60, 50, "other")
    near = among(own, twin, other)
    config = PLAIN.model_copy(update={"negative": "other_image"})
    for seed in range(8):
        config = config.model_copy(update={"seed": seed})
        row = evidence_pair("s", own, EVIDENCE, near.without(["twin"]), config)
        assert row["negative_image_id"] == "other"
    assert near.without([]) is near
    assert evidence_pair("s", own, EVIDENCE, near.without(["twin", "other"]), config)["fallback"] == "none"


def test_every_name_in_the_params_is_a_strategy():
    assert set(STRATEGIES) == set(get_args(Negative))


@st.composite
def samples(draw):
    width, height = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    x1, y1 = draw(st.floats(0, width - 1)), draw(st.floats(0, height - 1))
    box = x1, y1, draw(st.floats(x1 + 1, width)), draw(st.floats(y1 + 1, height))
    config = Crops(
        negative=draw(st.sampled_from(list(STRATEGIES))),
        margin=draw(st.sampled_from([0.0, 0.1, 2.0])),
        upscale=draw(st.sampled_from([1, 2])),
        min_side=draw(st.sampled_from([None, 30])),
    )
    return picture(width, height), box, config


@given(samples())
def test_views_have_the_positives_size_and_the_same_bytes_every_time(sample):
    own, box, config = sample
    neighbours = among(own, picture(120, 120, "large"))
    row = evidence_pair("s", own, box, neighbours, config)
    assert evidence_pair("s", own, box, neighbours, config) == row
    assert row["strategy"] == config.negative and row["more_negatives"] == []
    if config.negative not in ("half_resolution", "same_resolution"):
        assert row["fallback"] == "exact"
    if row["fallback"] == "none":
        assert config.negative == "half_resolution", "the large neighbour is only half as large there"
        return
    sides = row["width"], row["height"]
    if config.negative == "downsampled":
        sides = max(sides[0] // 2, 1), max(sides[1] // 2, 1)
    assert imaging.probe(row["negative"])[:2] == sides
    assert (row["negative_image"] is not None) == (config.negative == "downsampled")
    assert (row["negative_image_id"] == "own") == (
        config.negative != "other_image" and row["fallback"] != "other_image"
    )
    if config.negative == "blank":
        assert row["negative_box"] is row["negative_scale"] is None
    else:
        x1, _, x2, _ = row["negative_box"]
        assert row["negative_scale"] == pytest.approx(sides[0] / (x2 - x1))


def test_same_resolution_is_a_cut_of_the_image_off_the_evidence():
    own = picture(100, 80)
    row = view("same_resolution", own)
    x1, y1, x2, y2 = map(int, row["negative_box"])
    assert (x2 - x1, y2 - y1) == (40, 20) and row["fallback"] == "exact" and row["negative_scale"] == 1
    assert x2 <= 20 or x1 >= 40 or y2 <= 20 or y1 >= 30
    assert np.array_equal(row["negative"], own.pixels[y1:y2, x1:x2])


def test_other_image_never_shows_the_samples_own():
    own, other = picture(100, 80), picture(60, 50, "other")
    row = view("other_image", own, other, picture(39, 500, "narrow"))
    x1, y1, x2, y2 = map(int, row["negative_box"])
    assert (row["negative_image_id"], row["fallback"], row["negative_scale"]) == ("other", "exact", 1)
    assert np.array_equal(row["negative"], other.pixels[y1:y2, x1:x2])


REAL = Crops(margin=0, upscale=1, fallbacks=["finer", "other_image"], max_enlargement=1.5)


def test_a_finer_window_is_reduced_to_the_positives_pixels_as_halving_reduces():
    # 60 pixels are left beside evidence of 40: a window of 60 x 60 for a positive of 40 x 40.
    own = picture(100, 60)
    row = view("half_resolution", own, config=REAL, evidence=(0, 0, 40, 40))
    assert (row["fallback"], row["negative_box"]) == ("finer", [40, 0, 100, 60])
    expected = cv2.resize(own.pixels[:, 40:], (40, 40), interpolation=cv2.INTER_AREA)
    assert np.array_equal(row["negative"], expected)
    assert row["negative_scale"] == pytest.approx(40 / 60)


def test_evidence_that_leaves_no_room_borrows_the_sharpest_window_of_an_image_as_small():
    # The evidence is the whole image; half of another one of its size holds no window of the positive's.
    own, twin, tiny = picture(100, 80), picture(90, 80, "twin"), picture(40, 40, "tiny")
    row = view("half_resolution", own, twin, tiny, config=REAL, evidence=(0, 0, 100, 80))
    assert (row["fallback"], row["negative_image_id"]) == ("other_image", "twin")
    x1, y1, x2, y2 = map(int, row["negative_box"])
    assert (x2 - x1, y2 - y1) == (90, 72), "the largest of the same aspect"
    assert np.array_equal(row["negative"], imaging.resize(twin.pixels[y1:y2, x1:x2], 100, 80))
    alone = view("half_resolution", own, tiny, config=REAL, evidence=(0, 0, 100, 80))
    assert alone["fallback"] == "none", "tiny would be enlarged more than 1.5 times"
    as_before = REAL.model_copy(update={"fallbacks": ["shrunk", "overlap", "other_image"]})
    assert (
        view("half_resolution", own, twin, config=as_before, evidence=(0, 0, 100, 80))["fallback"] == "none"
    )


def test_without_another_image_that_is_large_enough_there_is_no_negative():
    row = view("other_image", picture(100, 80), picture(39, 500, "narrow"))
    assert (row["fallback"], row["negative"], row["more_negatives"]) == ("none", None, [])


def test_masked_evidence_is_filled_with_the_mean_colour_around_it():
    pixels = np.full((80, 100, 3), 200, np.uint8)
    pixels[:, 30:] = (100, 0, 50)  # half of what surrounds the evidence
    pixels[20:30, 20:40] = 7
    row = view("masked", Picture("own", pixels))
    expected = pixels[15:35, 10:50].copy()
    expected[5:15, 10:30] = (150, 100, 125)
    assert np.array_equal(row["negative"], expected)
    assert (row["negative_box"], row["negative_scale"], row["fallback"]) == ([10, 15, 50, 35], 1, "exact")


@given(st.integers(0, 255), st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([1, 2]))
def test_no_trace_of_masked_evidence_is_left(colour, margin, upscale):
    first, second = picture(100, 80), picture(100, 80)
    second.pixels[20:31, 20:41] = colour
    config, evidence = Crops(margin=margin, upscale=upscale), (20.5, 20.5, 40.5, 30.5)
    views = [view("masked", own, config=config, evidence=evidence) for own in (first, second)]
    assert np.array_equal(views[0]["negative"], views[1]["negative"])
    assert not np.array_equal(views[0]["positive"], views[1]["positive"])


@pytest.mark.parametrize("across", [True, False])
def test_blurred_evidence_loses_even_a_pattern_that_repeats_once_in_it(across):
    pixels = np.full((80, 100, 3), 128, np.uint8)
    dark = np.s_[20:30, 20:30] if across else np.s_[20:25, 20:40]
    pixels[20:30, 20:40], pixels[dark] = 255, 0
    row = view("blurred", Picture("own", pixels), config=Crops(margin=1, upscale=1))
    inside = row["negative"][10:20, 20:40].astype(int)
    assert np.ptp(inside) < 0.25 * 255, "only a slope is left of black beside white"
    context = np.ones((30, 60), bool)
    context[10:20, 20:40] = False
    assert np.array_equal(row["negative"][context], row["positive"][context]), "the context is kept"


def test_blurred_stripes_are_gone_and_their_mean_stays():
    pixels = np.full((80, 100, 3), 128, np.uint8)
    pixels[20:30, 20:40:2], pixels[20:30, 21:40:2] = 255, 1
    row = view("blurred", Picture("own", pixels))
    inside = row["negative"][5:15, 10:30].astype(int)
    assert np.abs(inside - 128).max() <= 8


def test_blank_is_the_images_mean_colour():
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:5] = (200, 100, 51)
    row = view("blank", Picture("own", pixels), evidence=(2, 2, 4, 6))
    assert row["negative"].shape == row["positive"].shape
    assert (row["negative"] == (100, 50, 26)).all()  # 25.5 is rounded to even


def test_downsampled_halves_the_crop_and_the_image_as_pillow_does():
    own = picture(101, 81)
    row = view("downsampled", own)
    assert row["negative"].shape == (10, 20, 3) and row["negative_image"].shape == (40, 50, 3)
    for shown, whole in ((row["negative"], row["positive"]), (row["negative_image"], own.pixels)):
        expected = Image.fromarray(whole).resize((shown.shape[1], shown.shape[0]), Image.Resampling.BICUBIC)
        assert np.array_equal(shown, np.asarray(expected))
    assert row["negative_scale"] == 0.5


@pytest.mark.parametrize("negative", WINDOW_STRATEGIES)
def test_several_negatives_are_different_windows_and_the_first_is_that_of_one(negative):
    own, others = picture(100, 80), [picture(130, 90, name) for name in "ab"]
    one = view(negative, own, *others)
    several = view(negative, own, *others, config=PLAIN.model_copy(update={"negative_count": 5}))
    assert np.array_equal(several["negative"], one["negative"])
    assert several["negative_box"] == one["negative_box"]
    crops = [several["negative"], *several["more_negatives"]]
    assert len({crop.tobytes() for crop in crops}) == 5, "pictures of noise: no two windows look the same"
    assert {crop.shape for crop in crops} == {one["positive"].shape}


def test_where_fewer_windows_exist_those_are_stored():
    # The crop is 40 x 20: it has 2 x 3 places in one neighbour, and 1 in the other.
    neighbours = picture(41, 22, "a"), picture(40, 20, "b")
    row = view(
        "other_image", picture(50, 35), *neighbours, config=PLAIN.model_copy(update={"negative_count": 50})
    )
    assert len({crop.tobytes() for crop in [row["negative"], *row["more_negatives"]]}) == 7
    assert len(row["more_negatives"]) == 6


@pytest.mark.parametrize("negative", sorted(set(STRATEGIES) - set(WINDOW_STRATEGIES)))
def test_strategies_that_know_one_view_refuse_to_make_several(negative):
    with pytest.raises(ConfigError) as raised:
        parse_params({"crops": {"negative": negative, "negative_count": 2}})
    message = str(raised.value)
    assert "negative_count (2) must be 1" in message and negative in message
    assert all(name in message for name in WINDOW_STRATEGIES)
    assert evidence_pair("s", picture(50, 40), EVIDENCE, NO_NEIGHBOURS, Crops(negative=negative))["negative"]


def test_an_unknown_strategy_is_refused_with_all_that_are_known():
    with pytest.raises(ConfigError) as raised:
        parse_params({"crops": {"negative": "noise"}})
    assert all(name in str(raised.value) for name in STRATEGIES)
