"""V*'s folders: from files in their published form to checked rows, and hostile files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checked_source import checked, picture

from vzero import imaging
from vzero.config import VstarSource
from vzero.errors import SourceError


def vstar(root: Path, name: str, item: Any, image: str = ".jpg") -> VstarSource:
    path = root / "vstar" / name
    picture(path.with_suffix(image))
    path.with_suffix(".json").write_bytes(item if isinstance(item, bytes) else json.dumps(item).encode())
    return VstarSource(images=Path("vstar"))


ITEM = {
    "target_object": ["guitar", "dog"],
    "bbox": [[20, 10, 40, 30], [150, 60, 30, 20]],
    "question": "What is the material of the guitar?",
    "options": ["wood", "plastic", "metal", "glass"],
}


def test_vstar_boxes_are_corner_and_sides_and_the_right_option_is_no_longer_first(tmp_path):
    for number in range(20):
        source = vstar(tmp_path, f"direct_attributes/sa_{number}", ITEM)
    vstar(tmp_path, "relative_position/sa_1", ITEM | {"bbox": [[20, 10, 40, 30]], "target_object": ["dog"]})
    rows, rejects = checked(tmp_path, vstar=source)
    assert rejects == [] and len(rows) == 21
    assert rows[0]["sample_id"] == "direct_attributes/sa_0" and rows[0]["category"] == "direct_attributes"
    assert rows[0]["boxes"] == [[20, 10, 60, 40], [150, 60, 180, 80]]
    assert rows[-1]["boxes"] == [[20, 10, 60, 40]]
    assert {row["options"]["ABCD".index(row["answer"])] for row in rows} == {"wood"}
    assert {row["answer"] for row in rows} == set("ABCD")


def test_vstar_every_malformed_item_has_its_code(tmp_path):
    kinds = {
        "a": (b"{", "malformed_row"),
        "b": (b'{"question": "\xff"}', "malformed_row"),
        "c": (b"[" * 10**5, "malformed_row"),
        "d": ([ITEM], "malformed_row"),
        "e": (ITEM | {"options": None}, "bad_options"),
        "f": (ITEM | {"options": ["wood", "wood"]}, "bad_options"),
        "g": (ITEM | {"options": {"wood": 1}}, "bad_options"),
        "h": (ITEM | {"bbox": [[1, 2, 3, 4]]}, "bad_box"),
        "i": (ITEM | {"bbox": [[1, 2, float("nan"), 4]] * 2}, "bad_box"),
        "j": (ITEM | {"bbox": [[1, 2, float("inf"), 4]] * 2}, "bad_box"),
        "k": (ITEM | {"bbox": None}, "missing_box"),
        "l": (ITEM | {"bbox": [[190, 90, 300, 300]] * 2}, "box_outside"),
        "m": (ITEM | {"question": 5}, "missing_question"),
    }
    for name, (item, _) in kinds.items():
        source = vstar(tmp_path, f"direct_attributes/{name}", item)
    folder = tmp_path / "vstar/direct_attributes"
    picture(folder / "n.jpg")
    (folder / "o.json").write_text(json.dumps(ITEM))
    (folder / "p.json").write_text(json.dumps(ITEM))
    (folder / "p.png").write_bytes(b"")
    samples, rejects = checked(tmp_path, vstar=source)
    expected = [code for _, code in kinds.values()] + ["missing_box", "missing_image", "unreadable_image"]
    assert samples == [] and [code for code, _ in rejects] == expected


def test_vstar_needs_its_folders(tmp_path):
    (tmp_path / "vstar").mkdir()
    with pytest.raises(SourceError, match="no images and JSON files in direct_attributes"):
        checked(tmp_path, vstar=VstarSource(images=Path("vstar")))


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda png, jpeg: png + b"PK\x03\x04" + bytes(60), "sample"),  # an archive behind a PNG
        (lambda png, jpeg: jpeg + b"<script>alert(1)</script>" + png, "sample"),
        (lambda png, jpeg: b"%PDF-1.4\n" + png, "unreadable_image"),
        (lambda png, jpeg: b"GIF89a" + jpeg, "huge_image"),
        (lambda png, jpeg: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unreadable_image"),
        (lambda png, jpeg: b"", "unreadable_image"),
        (lambda png, jpeg: bytes(5000), "unreadable_image"),
    ],
    ids=["zip", "html", "pdf", "gif", "svg", "empty", "zeros"],
)
def test_a_file_of_two_kinds_is_the_image_that_its_first_bytes_say_or_none(build, expected, tmp_path):
    source = vstar(tmp_path, "direct_attributes/a", ITEM)
    pixels = np.random.default_rng(0).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    data = build(imaging.encode_png(pixels), imaging.encode_jpeg(pixels))
    (tmp_path / "vstar/direct_attributes/a.jpg").write_bytes(data)
    samples, rejects = checked(tmp_path, vstar=source)
    assert ([code for code, _ in rejects] or ["sample"] * len(samples)) == [expected]


def test_vstar_a_pipe_beside_an_image_is_not_waited_for_and_absurd_json_is_a_reject(tmp_path):
    source = vstar(tmp_path, "direct_attributes/good", ITEM)
    vstar(tmp_path, "direct_attributes/large", ITEM | {"note": "x" * 2**20})
    vstar(tmp_path, "direct_attributes/deep", b'{"bbox": ' + b"[" * 900 + b"]" * 900 + b"}")
    picture(tmp_path / "vstar/direct_attributes/pipe.jpg")
    os.mkfifo(tmp_path / "vstar/direct_attributes/pipe.json")
    rows, rejects = checked(tmp_path, vstar=source)
    assert len(rows) == 1
    assert [code for code, _ in rejects] == ["malformed_row", "malformed_row", "missing_box"]
