"""Filters of samples that show several images: each image counts, and a sample goes with any one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from vzero import tables
from vzero.config import Filters, Ingest
from vzero.ingest.curation import left_out, measure

HASH = 0x00FF00FF00FF00FF  # half ones: it tells one picture from another
COLUMNS = ("benchmark", "item", "pictures")
NO_ITEMS = pl.DataFrame(schema={name: tables.BenchmarkItems.create_empty().schema[name] for name in COLUMNS})


def measured(*samples: str, **facts: dict[str, Any]) -> pl.DataFrame:
    """What `measure` gives of samples, each a word whose letters are its images.

    `facts` are of images; without any an image is unlike all others, under a free licence.
    """
    names = sorted(set("".join(samples)))
    images = [
        {
            "image_id": name,
            "width": 10,
            "height": 10,
            "licence": "CC BY 4.0",
            "perceptual_hash": int(np.random.default_rng(ord(name)).integers(2**64, dtype=np.uint64)),
        }
        | facts.get(name, {})
        for name in names
    ]
    rows = [
        {
            "position": position,
            "sample_id": f"s{position}",
            "image_id": shown[0],
            "more_image_ids": list(shown[1:]),
            "prompt_tokens": None,
            "question": "Which?",
            "boxes": [],
            "evidence_box": None,
        }
        for position, shown in enumerate(samples)
    ]
    schema = {"more_image_ids": pl.List(pl.String), "evidence_box": pl.List(pl.Float32)}
    return measure(
        pl.LazyFrame(rows, schema_overrides=schema | {"boxes": pl.List(pl.List(pl.Float32))}),
        pl.LazyFrame(images, schema_overrides={"perceptual_hash": pl.UInt64}),
        pl.DataFrame({"image_id": ["s"], "suspicion": ["rejected rows about the image: 1, box_outside"]}),
    )


def refused(rows: pl.DataFrame, items: pl.DataFrame = NO_ITEMS, **filters: Any) -> list[tuple]:
    return left_out(rows, Ingest(filters=Filters(**filters)), items).rows()


def alike(*names: str) -> dict[str, dict[str, int]]:
    """Images that are one bit apart from the first of them."""
    hashes = [HASH, *(HASH ^ (1 << place) for place in range(1, len(names)))]
    return {name: {"perceptual_hash": each} for name, each in zip(names, hashes, strict=True)}


def test_a_row_an_image_of_a_sample_in_their_order():
    rows = measured("ba", "c", "cc")
    assert rows.select("position", "image_id").rows() == [(0, "b"), (0, "a"), (1, "c"), (2, "c"), (2, "c")]


def test_the_area_of_the_evidence_is_a_share_of_the_first_image():
    samples = pl.LazyFrame(
        {
            "position": [0],
            "sample_id": ["s"],
            "image_id": ["a"],
            "more_image_ids": [["b"]],
            "prompt_tokens": [None],
            "question": ["?"],
            "boxes": [[[0.0, 0, 4, 5]]],
            "evidence_box": [[0.0, 0, 4, 5]],
        }
    )
    images = pl.LazyFrame(
        {"image_id": ["a", "b"], "width": [10, 100], "height": [20, 100], "licence": ["x", "y"]}
    ).with_columns(perceptual_hash=pl.lit(HASH, pl.UInt64))
    none = pl.DataFrame(schema={"image_id": pl.String, "suspicion": pl.String})
    rows = measure(samples, images, none)
    assert rows.select("image_id", "evidence_area", "licence").rows() == [("a", 0.1, "x"), ("b", 0.1, "y")]


def test_a_sample_without_a_box_has_no_area_and_no_boxes():
    rows = measured("a", "b")
    assert refused(rows, min_evidence_area=0.5) == refused(rows, max_evidence_area=0.0) == []
    assert refused(rows, min_boxes=1) == [(0, "box_count", "0 boxes"), (1, "box_count", "0 boxes")]


def test_a_refused_licence_or_a_suspect_anywhere_leaves_the_sample_out_once():
    rows = measured("ab", "ba", "bb", "a", b={"licence": "none"})
    assert refused(rows, allowed_licences=["CC BY 4.0"]) == [(n, "licence", "none") for n in (0, 1, 2)]
    reason = "rejected rows about the image: 1, box_outside"
    assert refused(measured("as", "s", "a"), refuse_suspect_images=True) == [
        (0, "suspect_image", reason),
        (1, "suspect_image", reason),
    ]


def test_an_image_that_a_benchmark_shows_leaves_its_sample_out_wherever_it_stands():
    facts = {"role": "image", "width": 9, "height": 9, "sha256": "b", "perceptual_hash": HASH}
    items = pl.DataFrame(
        {"benchmark": ["vstar"], "item": ["7"], "pictures": [[facts]]}, schema=NO_ITEMS.schema
    )
    rows = measured("ab", "ac", "ad", b={"perceptual_hash": HASH}, c={"perceptual_hash": HASH ^ 0b11})
    assert refused(rows, items, refuse_benchmark_images=True) == [
        (0, "benchmark_image", "vstar, item 7: the same bytes"),
        (1, "benchmark_image", "vstar, item 7: 2 bits apart"),
    ]


def test_a_further_image_that_nearly_repeats_a_kept_one_leaves_its_sample_out():
    reason = "1 bits from image a, which is kept"
    rows = measured("a", "cb", "c", **alike("a", "b"))
    assert refused(rows, near_duplicate_distance=1) == [(1, "near_duplicate", reason)]
    rows = measured("ca", "b", **alike("a", "b"))
    assert refused(rows, near_duplicate_distance=1) == [(1, "near_duplicate", reason)]


def test_pictures_of_one_sample_may_be_alike_and_so_may_samples_that_share_a_picture():
    rows = measured("ab", "ba", "ac", "a", **alike("a", "b"))
    assert refused(rows, near_duplicate_distance=1) == []


def test_alike_in_one_sample_is_no_excuse_for_another_one():
    rows = measured("ab", "b", **alike("a", "b"))
    reason = "1 bits from image a, which is kept"
    assert refused(rows, near_duplicate_distance=1) == [(1, "near_duplicate", reason)]


def test_what_an_earlier_filter_left_out_shows_none_of_its_images_to_a_later_one():
    rows = measured("ad", "b", d={"licence": "none"}, **alike("a", "b"))
    found = refused(rows, allowed_licences=["CC BY 4.0"], near_duplicate_distance=1)
    assert found == [(0, "licence", "none")]
