"""Overlap of training images with benchmark pictures: planted copies are found, unlike pictures are not."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
from hypothesis import strategies as st
from PIL import Image

from vzero import imaging, tables
from vzero.benchmarks.items import picture_facts
from vzero.config import Crops, Ingest, NeedleSource
from vzero.likeness.overlaps import find_overlaps, informative, overlap_counts
from vzero.needle.benchmarks import benchmark_items
from vzero.needle.scenes import SIDES, draw_scene, render

DEFAULT = Ingest().overlap_distance
HASHES = st.integers(0, 2**64 - 1)


def landscape(seed: int, side: int = 160) -> np.ndarray:
    """Clouds whose spectrum falls with the frequency, as that of photographs does."""
    fall = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    fall[0, 0] = 1
    noise = np.random.default_rng(seed).normal(size=(side, side))
    grey = np.fft.ifft2(np.fft.fft2(noise) / fall).real
    grey = (grey - grey.min()) / np.ptp(grey) * 255
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)


def cropped(pixels: np.ndarray, share: float) -> np.ndarray:
    """Without `share` of the sides on each of them."""
    margin = round(share * len(pixels))
    return np.ascontiguousarray(pixels[margin:-margin, margin:-margin])


def training(*pictures: np.ndarray) -> pl.DataFrame:
    """Columns of `tables.Images` that the check reads."""
    encoded = [imaging.encode_png(pixels) for pixels in pictures]
    return pl.DataFrame(
        {
            "image_id": [hashlib.sha256(data).hexdigest() for data in encoded],
            "perceptual_hash": [imaging.difference_hash(pixels) for pixels in pictures],
        },
        schema={"image_id": pl.String, "perceptual_hash": pl.UInt64},
    )


def questions(**pictures: list[np.ndarray]) -> pl.DataFrame:
    """Items of V*, each with its pictures."""
    return items_of([("vstar", item, shown) for item, shown in pictures.items()])


def items_of(rows: list[tuple[str, str, list[np.ndarray]]]) -> pl.DataFrame:
    facts: list[dict[str, Any]] = [
        {
            "benchmark": benchmark,
            "item": item,
            "pictures": [picture_facts(imaging.encode_png(pixels), pixels) for pixels in shown],
        }
        for benchmark, item, shown in rows
    ]
    schema = tables.BenchmarkItems.create_empty().schema
    return pl.DataFrame(facts, schema={name: schema[name] for name in ("benchmark", "item", "pictures")})


@pytest.mark.parametrize(
    "copy",
    [
        lambda pixels: jpeg(pixels, 75),
        lambda pixels: jpeg(pixels, 30),
        imaging.halve,
        lambda pixels: jpeg(imaging.halve(pixels), 75),
        lambda pixels: imaging.enlarge(pixels, 2),
        lambda pixels: imaging.resize(pixels, 336, 300),
    ],
    ids=["jpeg 75", "jpeg 30", "half", "half, jpeg", "double", "another shape"],
)
def test_re_encoded_and_resized_copies_are_found_with_their_distance(copy: Callable):
    originals = {str(seed): landscape(seed) for seed in range(25)}
    copies = [copy(pixels) for pixels in originals.values()]
    found = find_overlaps(
        training(*copies), questions(**{name: [pixels] for name, pixels in originals.items()}), DEFAULT
    )
    assert sorted(found["item"], key=int) == list(originals), "each once, and with no other picture"
    for row in found.iter_rows(named=True):
        of_item = imaging.difference_hash(originals[row["item"]])
        of_copy = imaging.difference_hash(copies[int(row["item"])])
        assert (row["benchmark_hash"], row["image_hash"]) == (of_item, of_copy)
        assert row["distance"] == (of_item ^ of_copy).bit_count() <= DEFAULT
        assert not row["same_bytes"] and row["picture"] == 0


def test_small_crops_are_found_and_larger_ones_need_a_larger_distance():
    def share_found(share: float, distance: int) -> float:
        originals = {str(seed): [landscape(seed)] for seed in range(40)}
        crops = [cropped(pixels, share) for (pixels,) in originals.values()]
        return find_overlaps(training(*crops), questions(**originals), distance)["item"].n_unique() / 40

    assert share_found(0.01, DEFAULT) >= 0.7
    assert share_found(0.02, DEFAULT) <= 0.6
    assert share_found(0.02, 8) >= 0.8
    assert share_found(0.1, 8) == 0.0


def test_the_same_bytes_are_told_apart_from_copies():
    shown = landscape(1)
    found = find_overlaps(training(shown, jpeg(shown, 30)), questions(a=[shown]), DEFAULT)
    assert found.select("same_bytes", "distance").sort("distance").row(0) == (True, 0)
    assert sorted(found["same_bytes"]) == [False, True]
    assert found.filter("same_bytes")["image_id"].to_list() == [
        hashlib.sha256(imaging.encode_png(shown)).hexdigest()
    ]


def test_a_photo_that_ingest_turned_is_found_among_pictures_that_exif_turns():
    stored, file, exif = landscape(1), io.BytesIO(), Image.Exif()
    exif[imaging.ORIENTATION_TAG] = 6
    Image.fromarray(stored).save(file, "JPEG", exif=exif)
    published = picture_facts(file.getvalue(), imaging.decode(file.getvalue()))
    items = questions(a=[stored])
    items = pl.DataFrame(items.to_dicts()[0] | {"pictures": [[published]]}, schema=items.schema)
    [found] = find_overlaps(training(imaging.turn(stored, 6)), items, DEFAULT).to_dicts()
    assert found["distance"] <= DEFAULT and not found["same_bytes"]


def test_unlike_pictures_do_not_overlap():
    images = training(*map(landscape, range(300)))
    items = questions(**{str(seed): [landscape(seed)] for seed in range(1000, 1300)})
    assert find_overlaps(images, items, 8).is_empty()


def test_nearly_flat_pictures_count_by_their_bytes_only():
    white, black = np.full((60, 60, 3), 255, np.uint8), np.zeros((60, 60, 3), np.uint8)
    dotted = white.copy()
    dotted[30:34, 30:34] = 0
    assert (imaging.difference_hash(white) ^ imaging.difference_hash(dotted)).bit_count() <= DEFAULT
    found = find_overlaps(training(white, dotted), questions(a=[white], b=[black]), DEFAULT)
    assert found.select("item", "same_bytes").rows() == [("a", True)]


def test_a_hash_is_informative_with_eight_ones_and_eight_zeros():
    ones = [0, 7, 8, 32, 56, 57, 64]
    hashes = np.array([2**count - 1 for count in ones], np.uint64)
    assert informative(hashes).tolist() == [False, False, True, True, True, False, False]


def test_an_item_names_the_picture_that_overlaps_and_shared_pictures_are_listed_for_every_item():
    first, second, third = map(landscape, range(3))
    items = questions(a=[first, second], b=[second], c=[third])
    found = find_overlaps(training(imaging.halve(second)), items, DEFAULT)
    assert found.select("item", "picture").rows() == [("a", 1), ("b", 0)]
    tables.Overlaps.validate(found)


def test_embedded_scenes_look_alike_and_count_by_their_bytes_only():
    streams = [np.random.default_rng([5, number]) for number in range(200)]
    scenes = [render(draw_scene(stream, side=SIDES["standard"])) for stream in streams]
    embedded = benchmark_items(NeedleSource(samples=1, dev_samples=1, benchmark_questions=60), Crops())
    assert find_overlaps(training(*scenes), embedded, 8).is_empty()
    same_under_another_name = embedded.with_columns(benchmark=pl.lit("vstar"), item=pl.int_range(pl.len()))
    assert len(find_overlaps(training(*scenes), same_under_another_name, 8)) > 0
    leaked = items_of([("search", "0", [scenes[3]])])
    assert find_overlaps(training(*scenes), leaked, 8)["same_bytes"].to_list() == [True]


def test_counts_are_of_items_and_images_and_name_clean_benchmarks_too():
    first, second = landscape(1), landscape(2)
    images = training(first, imaging.halve(first))
    items = pl.concat(
        [questions(a=[first], b=[jpeg(first, 75)], c=[second]), items_of([("mmstar", "0", [second])])]
    )
    counts = overlap_counts(find_overlaps(images, items, DEFAULT), items)
    assert counts.rows(named=True) == [
        {"benchmark": "mmstar", "items": 1, "overlapping_items": 0, "same_bytes_items": 0, "images": 0},
        {"benchmark": "vstar", "items": 3, "overlapping_items": 2, "same_bytes_items": 1, "images": 2},
    ]


def test_nothing_overlaps_with_nothing():
    assert find_overlaps(training(), questions(a=[landscape(1)]), DEFAULT).is_empty()
    nothing = find_overlaps(training(landscape(1)), questions(), DEFAULT)
    assert nothing.is_empty() and tables.Overlaps.is_valid(nothing)
