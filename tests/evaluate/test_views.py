"""Which pictures each model is shown."""

from __future__ import annotations

import hashlib

import polars as pl

from vzero.evaluate.views import headline, images_hash, questions

ITEMS = pl.DataFrame(
    [
        {"benchmark": "search", "item": "1", "image": b"scene", "crop_image": b"closer"},
        {"benchmark": "coarse", "item": "2", "image": b"scene", "crop_image": None},
        {"benchmark": "zoom", "item": "3", "image": b"scene", "crop_image": b"closer"},
    ]
)


def shown(model: str) -> dict[tuple[str, str], list[bytes]]:
    rows = questions(ITEMS, model).select("item", "view", "images").iter_rows()
    return {(item, view): images for item, view, images in rows}


def test_the_teacher_sees_the_crop_after_the_full_image_where_there_is_one():
    assert shown("teacher") == {
        ("1", "full+crop"): [b"scene", b"closer"],
        ("2", "full"): [b"scene"],
        ("3", "full+crop"): [b"scene", b"closer"],
    }


def test_the_student_sees_the_full_image_and_for_zoom_also_the_crop_alone():
    expected = {
        ("1", "full"): [b"scene"],
        ("2", "full"): [b"scene"],
        ("3", "full"): [b"scene"],
        ("3", "crop"): [b"closer"],
    }
    assert shown("base") == shown("trained") == expected


def test_the_headline_leaves_out_the_crop_alone():
    assert headline(questions(ITEMS, "base"))["view"].to_list() == ["full"] * 3
    assert len(headline(questions(ITEMS, "teacher"))) == 3


def test_the_image_hash_covers_every_image_in_order():
    assert images_hash([b"ab", b"c"]) == hashlib.sha256(b"abc").hexdigest()
    assert images_hash([b"c", b"ab"]) != images_hash([b"ab", b"c"])
