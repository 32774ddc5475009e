"""Pictures are kept as the bytes of their files; rows that cannot be asked are rejects with a reason."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from published_files import base64_of, picture, write_tsv

from vzero.benchmarks.cells import options_in_list, options_in_text
from vzero.benchmarks.items import version_of

ROTATED = Image.Exif()
ROTATED[0x0112] = 6
SIXTEEN_BIT = cv2.imencode(".png", np.full((32, 48), 40_000, np.uint16))[1].tobytes()


def row(index: Any = 0, image: bytes | str | None = None, **cells: Any) -> dict[str, Any]:
    shown = (
        base64_of(image if isinstance(image, bytes) else picture(0)) if not isinstance(image, str) else image
    )
    start = {"index": index, "image": shown, "question": "Q?", "A": "x", "B": "y", "answer": "A"}
    return start | {"category": "direct_attributes"} | cells


@pytest.mark.parametrize(
    "image",
    [
        picture(0, "PNG"),
        picture(0, "JPEG", quality=70),
        picture(0, "JPEG", mode="CMYK"),
        picture(0, "JPEG", exif=ROTATED),
        picture(0, "PNG", mode="RGBA"),
        picture(0, "PNG", mode="P"),
        picture(0, "PNG", mode="L"),
        picture(0, "WEBP", lossless=True),
        SIXTEEN_BIT,
    ],
    ids=["png", "jpeg", "cmyk", "rotated", "rgba", "palette", "grey", "webp", "16-bit"],
)
def test_an_image_is_kept_as_the_bytes_of_its_file(image, read, tmp_path):
    items, rejects, _ = read("vstar", write_tsv(tmp_path / "a.tsv", [row(image=image)]))
    assert not rejects
    assert items[0]["image"] == image


HUGE = cv2.imencode(".png", np.zeros((1001, 1000, 3), np.uint8))[1].tobytes()
REJECTED = {
    "truncated_image": row(image=picture(0, "JPEG")[:-400]),
    "truncated_image ": row(image=picture(0)[:-60]),
    "unreadable_image": row(image=b"no image at all, but long enough not to be an index of another row"),
    "unreadable_image ": row(image="!" * 100),
    "huge_image": row(image=HUGE),
    "missing_question": row(question=" "),
    "bad_answer": row(answer=None),
    "answer_not_in_options": row(answer="F"),
}


@pytest.mark.parametrize("code", REJECTED)
def test_a_row_that_cannot_be_asked_is_a_reject_beside_the_good_ones(code, read, tmp_path):
    bad = REJECTED[code] | {"index": 1}
    items, rejects, _ = read("vstar", write_tsv(tmp_path / "a.tsv", [row(0), bad, row(2)]))
    assert [item["item"] for item in items] == ["0", "2"]
    (reject,) = rejects
    assert (reject.row, reject.sample_id, reject.code) == (1, "1", code.strip())
    assert reject.detail


def test_a_repeated_id_is_a_reject(read, tmp_path):
    items, rejects, _ = read("vstar", write_tsv(tmp_path / "a.tsv", [row(0), row(0, question="Another?")]))
    assert [item["question"] for item in items] == ["Q?"]
    assert [(reject.row, reject.code) for reject in rejects] == [(1, "duplicate_id")]


def test_questions_about_one_image_share_a_group(read, tmp_path):
    rows = [row(0), row(1), row(2, image=picture(5))]
    items, _, _ = read("vstar", write_tsv(tmp_path / "a.tsv", rows))
    groups = [item["group"] for item in items]
    assert groups[0] == groups[1] != groups[2]


def test_a_box_that_cannot_be_used_does_not_cost_the_question(read, tmp_path):
    rows = [row(0, target_instances="[[1, 2]]"), row(1, target_instances="[[1, 2, 9, 9]]")]
    items, rejects, file = read("treebench", write_tsv(tmp_path / "a.tsv", rows))
    assert not rejects
    assert [item["evidence_box"] for item in items] == [None, [1.0, 2.0, 9.0, 9.0]]
    assert "1 items without a usable box" in file.notices


@pytest.mark.parametrize(
    ("text", "question", "options"),
    [
        ("Q?\nA. x\nB. y", "Q?", ["x", "y"]),
        ("Q? (A) x (y) (B) z", "Q?", ["x (y)", "z"]),
        ("Q?\nOptions: A: a, b, B: c", "Q?", ["a, b", "c"]),
        ("Q?\nOptions: A: x\nB: y", "Q?", ["x", "y"]),
        ("What does (A) mean?", "What does (A) mean?", []),
        ("Q?", "Q?", []),
    ],
)
def test_options_inside_a_text(text, question, options):
    assert options_in_text(text) == (question, options)


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        (["(A) x", "(B) y"], ["x", "y"]),
        (["A. x", "B) y"], ["x", "y"]),
        (["(B) x", "(A) y"], ["(B) x", "(A) y"]),
        ("['x', \"y's\"]", ["x", "y's"]),
        ('["x", "y"]', ["x", "y"]),
        ("", []),
        (None, []),
        ([3, 4], ["3", "4"]),
    ],
)
def test_options_in_a_list(cell, options):
    assert options_in_list(cell) == options


def test_the_version_does_not_depend_on_the_order_of_items():
    assert version_of(["b", "a"]) == version_of(["a", "b"]) != version_of(["a"])
