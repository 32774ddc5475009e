"""VOC: from files in their published form to checked rows, and hostile files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from checked_source import checked, picture

from vzero.config import VocSource
from vzero.sources.annotation import SourceError


def thing(name: str, box: tuple[Any, Any, Any, Any], more: str = "") -> str:
    corners = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    inside = "".join(f"<{tag}>{value}</{tag}>" for tag, value in corners)
    return f"<object><name>{name}</name><pose>Left</pose>{more}<bndbox>{inside}</bndbox></object>"


def voc(root: Path, **files: str | bytes) -> VocSource:
    (root / "Annotations").mkdir(parents=True, exist_ok=True)
    picture(root / "JPEGImages/2007_000027.jpg")
    for name, content in files.items():
        if isinstance(content, str):
            extent = "<size><width>200</width><height>100</height><depth>3</depth></size>"
            content = (
                f"<annotation><filename>2007_000027.jpg</filename>{extent}{content}</annotation>".encode()
            )
        (root / f"Annotations/{name}.xml").write_bytes(content)
    return VocSource(annotations=Path("Annotations"), images=Path("JPEGImages"), questions_per_image=9)


def test_voc_counts_pixels_from_one_and_ends_with_the_last(tmp_path):
    inside = "<xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
    part = f"<part><name>head</name><bndbox>{inside}</bndbox></part>"
    source = voc(tmp_path, a=thing("dog", (1, 11, 50, 60), part) + thing("cat", ("101.5", 11, 200, 100)))
    rows, rejects = checked(tmp_path, voc=source)
    assert rejects == [] and {row["category"] for row in rows} == {"side"}, "no other category to offer"
    assert rows[0]["boxes"] == [[0, 10, 50, 60], [100.5, 10, 200, 100]]


def test_voc_exports_that_count_from_zero_write_edges(tmp_path):
    source = voc(tmp_path, a=thing("dog", (0, 10, 50, 60)) + thing("cat", (100, 10, 200, 100)))
    [row], _ = checked(tmp_path, voc=source.model_copy(update={"first_pixel": 0}))
    assert row["boxes"] == [[0, 10, 50, 60], [100, 10, 200, 100]]


def test_voc_difficult_objects_are_not_asked_about_but_are_there(tmp_path):
    difficult = "<difficult>1</difficult>"
    dog, hidden = thing("dog", (1, 1, 50, 60)), thing("dog", (61, 1, 90, 60), difficult)
    other = thing("cat", (1, 1, 50, 60))
    source = voc(tmp_path, a=dog + hidden, b=thing("cat", (1, 1, 50, 60), difficult), c=other)
    samples, rejects = checked(tmp_path, voc=source)
    assert [sorted(sample["options"]) for sample in samples] == [["cat", "dog"]]
    assert [code for code, _ in rejects] == ["missing_question"] * 2


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE annotation [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12))
    + b"]><annotation><filename>&m;</filename></annotation>"
)


def test_voc_every_malformed_file_or_object_has_its_code_and_spoils_no_other(tmp_path):
    good, nan = thing("cat", (101, 11, 150, 60)), float("nan")
    kinds: dict[str, tuple[str | bytes, list[str]]] = {
        "a": (LAUGHS, ["malformed_row"]),
        "b": (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', ["malformed_row"]),
        "c": (b"", ["malformed_row"]),
        "d": (b"<annotation><filename>\xff\xfe</filename></annotation>", ["malformed_row"]),
        "e": (b"<annotation><object></annotation>", ["malformed_row"]),
        "f": (b"<html/>", ["malformed_row"]),
        "g": (b'<?xml version="1.0" encoding="nonsense"?><annotation/>', ["malformed_row"]),
        "h": (b"<annotation>" + b"<a>" * 10**5, ["malformed_row"]),
        "i": (b"<annotation/>", ["missing_image"]),
        "j": (
            b"<annotation><filename>../x.jpg</filename>" + good.encode() + b"</annotation>",
            ["path_escape"],
        ),
        "k": (good + thing("dog", (nan, 1, 2, 3)), ["bad_box"]),
        "l": (good + thing("dog", ("inf", 1, 2, 3)), ["bad_box"]),
        "m": (good + thing("dog", ("ten", 1, 2, 3)), ["bad_box"]),
        "n": (good + thing("dog", (1, 1, "", 3)), ["bad_box"]),
        "o": (good + thing("dog", (50, 50, 20, 20)), ["bad_box"]),
        "p": (good + "<object><name>dog</name></object>", ["missing_box"]),
        "q": (good + thing(" ", (1, 1, 20, 30)), ["malformed_row"]),
        "r": ("", ["missing_question"]),
        "s": (good + "<size/>", []),
        "t": (good.replace("150", "900"), ["box_outside"]),
        "u": (
            b"<annotation><filename>2007_000027.jpg</filename><size><width>x</width></size></annotation>",
            ["malformed_row"],
        ),
    }
    source = voc(
        tmp_path, **{name: content for name, (content, _) in kinds.items()}, z=thing("bird", (1, 1, 30, 30))
    )
    samples, rejects = checked(tmp_path, voc=source)
    assert [code for code, _ in rejects if code != "duplicate_id"] == [
        c for _, codes in kinds.values() for c in codes
    ]
    assert {tuple(sample["evidence_box"]) for sample in samples} == {(100, 10, 150, 60), (0, 0, 30, 30)}


def test_voc_needs_files(tmp_path):
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(SourceError, match=r"no \*\.xml file"):
        checked(tmp_path, voc=VocSource(annotations=Path("Annotations"), images=Path("x")))


def test_voc_a_pipe_of_an_annotations_name_is_not_waited_for(tmp_path):
    source = voc(tmp_path, a=thing("dog", (1, 11, 50, 60)) + thing("cat", (101, 11, 200, 100)))
    os.mkfifo(tmp_path / "Annotations/pipe.xml")
    (tmp_path / "Annotations/endless.xml").symlink_to("/dev/zero")
    assert len(checked(tmp_path, voc=source)[0]) == 1
