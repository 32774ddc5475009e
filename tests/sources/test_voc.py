"""VOC: from files in their published form to checked rows, and hostile files."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from checked_source import BETWEEN_CATEGORIES, checked, picture
from PIL import Image

from tests.checked_tables import check_and_merge
from vzero import imaging, tables
from vzero.config import Ingest, VocSource
from vzero.errors import SourceError
from vzero.ingest import merge
from vzero.paths import Paths
from vzero.sources.catalogue import open_source


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
    places = {"annotations": Path("Annotations"), "images": Path("JPEGImages")}
    return VocSource(**places, questions_per_image=9, templates=list(BETWEEN_CATEGORIES))


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


@pytest.mark.parametrize(("orientation", "direction_kept"), [(1, True), (3, False), (6, False)])
def test_voc_left_and_right_are_not_asked_of_a_picture_that_is_turned_from_its_boxes(
    orientation: int, direction_kept: bool, tmp_path
):
    source = voc(tmp_path, a=thing("dog", (1, 11, 50, 60)) + thing("cat", (61, 11, 90, 60)))
    exif = Image.Exif()
    exif[imaging.ORIENTATION_TAG] = orientation
    Image.new("RGB", (200, 100)).save(tmp_path / "JPEGImages/2007_000027.jpg", exif=exif)
    config = Ingest(source="voc", voc=source, exif="stored")
    samples, _, rejects = check_and_merge(open_source("voc", config, Paths(tmp_path)), config, tmp_path / "c")
    assert ("side" in samples["category"].to_list()) == direction_kept
    assert ("bad_answer" in rejects["code"].to_list()) != direction_kept


def test_voc_difficult_objects_are_not_asked_about_but_are_there(tmp_path):
    difficult = "<difficult>1</difficult>"
    dog, hidden = thing("dog", (1, 1, 50, 60)), thing("dog", (61, 1, 90, 60), difficult)
    other = thing("cat", (1, 1, 50, 60))
    source = voc(tmp_path, a=dog + hidden, b=thing("cat", (1, 1, 50, 60), difficult), c=other)
    samples, rejects = checked(tmp_path, voc=source)
    assert [sorted(sample["options"]) for sample in samples] == [["cat", "dog"]]
    assert [code for code, _ in rejects] == ["missing_question"] * 2


DOG_AND_CAT = thing("dog", (1, 11, 50, 60)) + thing("cat", (101, 11, 200, 100))
SIZE = "<size><width>200</width><height>100</height></size>"


def tool(root: Path, head: str, *pictures: str, name: str = "p0", extent: str = SIZE) -> Ingest:
    """A file as some tool writes it, with a dog and a cat; pictures in the project."""
    for file in pictures:
        picture(root / file)
    (root / "xml").mkdir(parents=True, exist_ok=True)
    (root / "images").mkdir(exist_ok=True)
    (root / f"xml/{name}.xml").write_text(f"<annotation>{head}{extent}{DOG_AND_CAT}</annotation>")
    places = {"annotations": Path("xml"), "images": Path("images")}
    return Ingest(source="voc", voc=VocSource(**places, templates=list(BETWEEN_CATEGORIES)))


def found(config: Ingest, root: Path) -> tuple[set[str | None], dict[str, dict[str, int]], list[tuple]]:
    """Names of the pictures that samples are about, what was put right, and the rejects."""
    _, _, rejects = check_and_merge(open_source("voc", config, Paths(root)), config, root / "checked")
    samples = merge.scan_parts(root / "checked", tables.Samples).collect()
    nothing = pl.DataFrame(schema={"position": pl.Int64})
    repairs: dict[str, dict[str, int]] = {}
    for source, name, count in merge.count_marked(root / "checked", nothing, "repairs").rows():
        repairs.setdefault(source, {})[name] = count
    return set(samples["image"]), repairs, rejects.select("code", "detail").rows()


@pytest.mark.parametrize(
    ("head", "there", "image"),
    [
        ("<filename>p0</filename>", "images/p0.jpg", "p0.jpg"),  # ImageNet, Label Studio, old labelImg
        ("<filename>p0</filename>", "images/p0.JPEG", "p0.JPEG"),
        ("<filename>p0.jpg</filename>", "images/p0.JPG", "p0.JPG"),
        ("<filename>P0.png</filename>", "images/p0.jpg", "p0.jpg"),  # converted and renamed since
        (
            "<filename>p0_jpg.rf.5a0f</filename>",
            "images/p0_jpg.rf.5a0f.jpg",
            "p0_jpg.rf.5a0f.jpg",
        ),  # Roboflow
        ("<filename>C:\\photos\\p1.jpg</filename>", "images/p1.jpg", "p1.jpg"),
        ("<path>/home/me/photos/p1.png</path>", "images/p1.jpg", "p1.jpg"),
        ("<filename>IMG_7.jpg</filename><path>a/p1.jpg</path>", "images/p1.jpg", "p1.jpg"),
        ("<filename>IMG_7.jpg</filename>", "images/p0.jpg", "p0.jpg"),  # by the name of the file itself
        ("", "images/p0.jpg", "p0.jpg"),
        ("<folder>n014</folder><filename>p0</filename>", "images/n014/p0.jpg", "n014/p0.jpg"),
        ("<filename>p0.png</filename>", "xml/p0.jpg", None),  # beside the file, not in the images
    ],
)
def test_voc_the_picture_is_found_by_its_stem_and_that_is_counted(head, there, image, tmp_path):
    config = tool(tmp_path, head, there)
    assert found(config, tmp_path) == ({image}, {"voc": {"image_name": 1}}, [])


def test_voc_pictures_in_tar_files_are_found_by_their_stem_too(tmp_path):
    config = tool(tmp_path, "<filename>p0</filename>", "p0.jpg", "p00.jpg")
    with tarfile.open(tmp_path / "images/a.tar", "w") as tar:
        for name in ("p0.jpg", "p00.jpg"):
            tar.add(tmp_path / name, name)
    assert found(config, tmp_path) == ({"p0.jpg"}, {"voc": {"image_name": 1}}, [])


@pytest.mark.parametrize(
    ("head", "there", "code", "reason"),
    [
        (
            "<filename>p0</filename>",
            ["images/p0.jpg", "images/p0.png"],
            "ambiguous_image",
            "2 pictures of one name: p0.jpg, p0.png",
        ),
        (
            "<filename>p1.jpg</filename>",  # copied from the file of another picture, or not?
            ["images/p1.jpg", "images/p0.jpg"],
            "ambiguous_image",
            "'p1.jpg' and a picture with the name of the file itself are both there",
        ),
        (
            "<folder>train</folder><filename>p0</filename>",
            ["images/p0.jpg", "images/train/p0.png"],
            "ambiguous_image",
            "2 pictures of one name: p0.jpg, train/p0.png",
        ),
        ("<filename>p9.jpg</filename>", ["images/p1.jpg"], "missing_image", "no such file"),
        ("", ["images/p1.jpg"], "missing_image", "no filename, and no picture with the name of the file"),
    ],
)
def test_voc_a_picture_is_never_guessed(head, there, code, reason, tmp_path):
    images, repairs, rejects = found(tool(tmp_path, head, *there), tmp_path)
    assert (images, repairs) == (set(), {})
    assert rejects and all(found == code and reason in detail for found, detail in rejects)


def test_voc_a_named_picture_is_taken_among_others_of_its_stem(tmp_path):
    """Masks beside the photos, for one; nothing has to be put right."""
    config = tool(tmp_path, "<filename>p0.jpg</filename>", "images/p0.jpg", "images/p0.png")
    assert found(config, tmp_path) == ({"p0.jpg"}, {}, [])
    head = "<filename>p0</filename><path>D:/p0.png</path>"
    told = tool(tmp_path / "b", head, "images/p0.jpg", "images/p0.png")
    assert found(told, tmp_path / "b")[0] == {"p0.png"}


@pytest.mark.parametrize(
    "extent",
    [
        "",
        "<size/>",
        SIZE.replace("200", "0").replace("100", "0"),
        SIZE.replace("200", "0"),
        SIZE.replace("200", "-1").replace("100", "None"),
        "<size><width/></size>",
    ],
)
def test_voc_a_size_that_is_not_told_is_the_pictures_own_and_that_is_counted(extent, tmp_path):
    config = tool(tmp_path, "<filename>p0.jpg</filename>", "images/p0.jpg", extent=extent)
    assert found(config, tmp_path) == ({"p0.jpg"}, {"voc": {"image_size": 1}}, [])


def test_voc_the_side_that_is_told_must_be_the_pictures(tmp_path):
    half = SIZE.replace("200", "0").replace("100", "150")
    config = tool(tmp_path, "<filename>p0.jpg</filename>", "images/p0.jpg", extent=half)
    rejects = found(config, tmp_path)[2]
    assert rejects == [("size_mismatch", "annotated (None, 150), the image is 200 x 100")]


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
