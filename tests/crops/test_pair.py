"""Both views of a sample: the same size, inside their images, the same on every run."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero import geometry, imaging
from vzero.config import Crops
from vzero.crops.pair import evidence_pair, sample_seed, view_seeds
from vzero.crops.strategy import Neighbours, Picture

NOBODY = Neighbours({}, lambda image_id: pytest.fail(f"{image_id} was opened"))


def picture(width: int, height: int, name: str = "own") -> Picture:
    seed = sum(name.encode()) + width * height
    return Picture(name, np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@st.composite
def samples(draw):
    width, height = draw(st.integers(4, 120)), draw(st.integers(4, 120))
    x1, y1 = draw(st.integers(0, width - 2)), draw(st.integers(0, height - 2))
    box = x1, y1, draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height))
    config = Crops(
        margin=draw(st.sampled_from([0.0, 0.1, 1.0])),
        upscale=draw(st.sampled_from([1, 2])),
        min_side=draw(st.sampled_from([None, 1, 20, 500])),
    )
    return width, height, box, config, draw(st.text("abc", min_size=1, max_size=5))


@given(samples())
def test_both_crops_have_the_same_pixels_and_so_the_same_tokens(sample):
    width, height, box, config, sample_id = sample
    row = evidence_pair(sample_id, picture(width, height), box, NOBODY, config)
    assert imaging.probe(row["positive"]) == (row["width"], row["height"], "png")
    shortest = min(config.min_side or 1, width, height) * config.upscale
    assert min(row["width"], row["height"]) >= shortest
    assert geometry.sides(row["positive_box"]) == (
        row["width"] // config.upscale,
        row["height"] // config.upscale,
    )
    if row["fallback"] == "none":
        assert row["negative"] is row["negative_box"] is row["negative_image_id"] is None
        return
    assert imaging.probe(row["negative"]) == (row["width"], row["height"], "png")
    x1, y1, x2, y2 = row["negative_box"]
    assert -1e-6 <= x1 < x2 <= width + 1e-6 and -1e-6 <= y1 < y2 <= height + 1e-6
    touched = geometry.coverage((x1, y1, x2, y2), by=box)
    assert touched < 1e-6 or (row["fallback"] == "overlap" and touched <= config.max_overlap + 1e-6)


@given(samples())
def test_a_row_depends_on_nothing_but_its_sample_and_the_params(sample):
    width, height, box, config, sample_id = sample
    first = evidence_pair(sample_id, picture(width, height), box, NOBODY, config)
    assert evidence_pair(sample_id, picture(width, height), box, NOBODY, config) == first


def test_an_exact_negative_is_the_halved_image_cut_at_its_box():
    own, config = picture(80, 60), Crops(margin=0, upscale=1)
    row = evidence_pair("s", own, (10, 10, 22, 20), NOBODY, config)
    x1, y1, x2, y2 = (int(value / 2) for value in row["negative_box"])
    assert (row["fallback"], x2 - x1, y2 - y1) == ("exact", 12, 10)
    blocks = own.pixels.reshape(30, 2, 40, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(imaging.decode(row["negative"]) - blocks[y1:y2, x1:x2]).max() <= 0.5
    assert np.array_equal(imaging.decode(row["positive"]), own.pixels[10:20, 10:22])
    assert (row["positive_scale"], row["negative_scale"]) == (1.0, 0.5)


def test_a_target_that_fills_the_image_borrows_from_a_neighbour_that_is_large_enough():
    others = {"b": picture(300, 200, "b"), "c": picture(301, 200, "c"), "small": picture(30, 30, "small")}
    neighbours = Neighbours({name: p.extent for name, p in others.items()}, others.__getitem__)
    chosen = set()
    for number in range(20):
        row = evidence_pair(f"s{number}", picture(100, 80), (5, 5, 95, 75), neighbours, Crops(margin=0))
        assert row["fallback"] == "other_image"
        assert imaging.probe(row["negative"])[:2] == (row["width"], row["height"]) == (180, 140)
        chosen.add(row["negative_image_id"])
    assert chosen == {"b", "c"}


def test_without_such_a_neighbour_there_is_no_negative():
    small = {"small": (30, 30)}
    row = evidence_pair(
        "s", picture(100, 80), (5, 5, 95, 75), dataclasses.replace(NOBODY, extents=small), Crops()
    )
    assert (row["fallback"], row["negative"]) == ("none", None)


def test_seeds_differ_between_samples_and_runs():
    assert len({sample_seed(seed, name) for seed in range(3) for name in ("a", "b")}) == 6


def test_the_first_view_has_the_samples_own_seed_and_more_views_change_no_seed():
    seeds = view_seeds(7, 5)
    assert seeds[0] == 7 and len(set(seeds)) == 5
    assert view_seeds(7, 2) == seeds[:2] and not set(view_seeds(8, 5)) & set(seeds)


def test_jpeg_crops_are_jpeg():
    row = evidence_pair("s", picture(80, 60), (10, 10, 22, 20), NOBODY, Crops(format="jpeg"))
    assert imaging.probe(row["positive"])[2] == imaging.probe(row["negative"])[2] == "jpeg"


def test_a_random_positive_is_as_large_as_the_evidence_and_anywhere():
    """A control: what annotation says of the place is used for nothing, of either crop."""
    config, image = Crops(positive="random", margin=0.0), picture(100, 80)
    rows = [evidence_pair(f"s{number}", image, (40, 30, 60, 42), NOBODY, config) for number in range(300)]
    boxes = np.array([row["positive_box"] for row in rows])
    assert {geometry.sides(box) for box in boxes.tolist()} == {(20, 12)}
    # Uniform over 81 columns and 69 rows: means within four standard errors of 1.35 and 1.15.
    assert boxes[:, 0].mean() == pytest.approx(40, abs=5.4)
    assert boxes[:, 1].mean() == pytest.approx(34, abs=4.6)
    assert boxes.min() >= 0
    assert (boxes[:, 2].max(), boxes[:, 3].max()) <= (100, 80)
    for row in rows:
        cut = image.pixels[row["positive_box"][1] : row["positive_box"][3]]
        cut = cut[:, row["positive_box"][0] : row["positive_box"][2]]
        assert np.array_equal(imaging.decode(row["positive"]), imaging.enlarge(cut, 2))
        assert geometry.coverage(row["negative_box"], by=row["positive_box"]) < 1e-6
