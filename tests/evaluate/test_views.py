"""Which pictures each model is shown."""

from __future__ import annotations

from typing import Any

import polars as pl

from vzero.evaluate.views import headline, questions


def item(name: str, benchmark: str, *pictures: str) -> dict[str, Any]:
    """An item whose pictures are named; one that begins with "crop" is its crop."""
    facts = [{"role": "crop" if each.startswith("crop") else "image", "sha256": each} for each in pictures]
    return {"benchmark": benchmark, "item": name, "pictures": facts}


ITEMS = pl.DataFrame(
    [
        item("1", "search", "scene", "crop"),
        item("2", "coarse", "scene"),
        item("3", "zoom", "scene", "crop"),
        item("4", "blink", "first", "second", "third"),
        item("5", "treebench", "first", "second", "crop"),
        item("6", "treebench", "single"),
    ]
)


def shown(model: str) -> dict[tuple[str, str], list[str]]:
    tables = [questions(items, model) for items in ITEMS.partition_by("benchmark")]
    rows = pl.concat(tables).select("item", "view", "shown").iter_rows()
    return {(name, view): [each["sha256"] for each in pictures] for name, view, pictures in rows}


def test_the_teacher_sees_the_crop_after_the_full_image_where_there_is_one():
    assert shown("teacher") == {
        ("1", "full+crop"): ["scene", "crop"],
        ("2", "full"): ["scene"],
        ("3", "full+crop"): ["scene", "crop"],
        ("4", "full"): ["first", "second", "third"],
        ("5", "full+crop"): ["first", "crop", "second"],
        ("6", "full+crop"): ["single"],  # one view a benchmark
    }


def test_the_student_sees_the_images_and_for_zoom_also_the_crop_alone():
    expected = {
        ("1", "full"): ["scene"],
        ("2", "full"): ["scene"],
        ("3", "full"): ["scene"],
        ("3", "crop"): ["crop"],
        ("4", "full"): ["first", "second", "third"],
        ("5", "full"): ["first", "second"],
        ("6", "full"): ["single"],
    }
    assert shown("base") == shown("trained") == expected


def test_the_headline_leaves_out_the_crop_alone():
    zoom = ITEMS.filter(pl.col("benchmark") == "zoom")
    assert headline(questions(zoom, "base"))["view"].to_list() == ["full"]
    assert len(headline(questions(zoom, "teacher"))) == 1
