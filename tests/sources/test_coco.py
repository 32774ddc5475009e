"""COCO: from files in their published form to checked rows, and hostile files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from checked_source import checked, picture, rejected_images

from vzero.config import CocoSource
from vzero.sources.annotation import SourceError

KINDS = ["person", "dog", "cup", "kite", "bus"]
CATEGORIES = [{"supercategory": "any", "id": number, "name": name} for number, name in enumerate(KINDS, 1)]
LICENCES = [
    {
        "url": "http://creativecommons.org/licenses/by-nc-nd/2.0/",
        "id": 3,
        "name": "Attribution-NonCommercial-NoDerivs License",
    },
    {"url": "http://flickr.com/commons/usage/", "id": 7, "name": "No known copyright restrictions"},
]


def instance(category: int, box: Any, image: Any = 7, **changes: Any) -> dict[str, Any]:
    mask = [[10.0, 10.5, 20.0, 10.5, 20.0, 30.0]]
    kept = {"segmentation": mask, "area": 1.5, "iscrowd": 0, "image_id": image, "bbox": box}
    return kept | {"category_id": category, "id": 1000 + category} | changes


def coco(root: Path, *annotations: Any, images: Any = None, text: bytes | None = None, **changes: Any):
    picture(root / "images/000000000007.jpg")
    image = {"license": 3, "file_name": "000000000007.jpg", "width": 200, "height": 100, "id": 7}
    document = {
        "info": {"year": 2017},
        "licenses": LICENCES,
        "images": images if images is not None else [image],
        "annotations": list(annotations),
        "categories": CATEGORIES,
    }
    (root / "instances.json").write_bytes(text if text is not None else json.dumps(document).encode())
    return CocoSource(annotations=Path("instances.json"), images=Path("images"), **changes)


def test_coco_questions_rest_on_single_objects_and_have_one_answer(tmp_path):
    source = coco(
        tmp_path,
        instance(2, [20.5, 10, 30, 20]),
        instance(3, [100, 60.25, 12, 14]),
        instance(1, [150, 5, 20, 50]),
        instance(1, [170, 5, 20, 50]),
        questions_per_image=20,
    )
    rows, rejects = checked(tmp_path, coco=source)
    assert rejects == []
    dog, cup = [20.5, 10.0, 50.5, 30.0], [100.0, 60.25, 112.0, 74.25]
    found = {(row["category"], json.dumps(row["boxes"])) for row in rows}
    assert found == {
        ("seen", json.dumps([dog])),
        ("seen", json.dumps([cup])),
        ("side", json.dumps([dog, cup])),
        ("height", json.dumps([dog, cup])),
    }, "nothing about either of two persons"
    for row in rows:
        answer = row["options"]["ABCD".index(row["answer"])]
        if row["category"] == "seen":
            assert answer == ("dog" if row["boxes"] == [dog] else "cup")
            assert sorted(row["options"]) == sorted([answer, "kite", "bus"]), (
                "what else is there is no option"
            )
        else:
            first = re.search("Is the (dog|cup)", row["question"])
            before = first is not None and first[1] == "dog"
            right = {"side": ("to the left", "to the right"), "height": ("higher", "lower")}[row["category"]]
            assert answer == right[0 if before else 1]
        assert row["licence"] == "CC BY-NC-ND 2.0"


def test_coco_licences_without_a_short_name_keep_their_own(tmp_path):
    images = [{"id": 7, "file_name": "000000000007.jpg", "license": 7}]
    samples, _ = checked(tmp_path, coco=coco(tmp_path, instance(2, [20, 10, 30, 20]), images=images))
    assert {row["licence"] for row in samples} == {"No known copyright restrictions"}


def test_coco_prefers_small_objects_and_draws_the_same_whatever_the_order(tmp_path):
    boxes = [instance(number, [10 * number, 10, 12 + 10 * number, 40]) for number in range(1, 4)]
    rows, _ = checked(tmp_path / "a", coco=coco(tmp_path / "a", *boxes, questions_per_image=1))
    again, _ = checked(tmp_path / "b", coco=coco(tmp_path / "b", *boxes[::-1], questions_per_image=1))
    assert rows == again and len(rows) == 1
    many, _ = checked(tmp_path / "c", coco=coco(tmp_path / "c", *boxes, questions_per_image=9, seed=1))
    assert {row["category"] for row in many} == {"seen"}, "boxes that overlap are on no side of each other"
    tiny = coco(tmp_path / "d", instance(2, [5, 5, 8, 40]), instance(3, [50, 5, 80, 40]))
    assert {row["boxes"][0][0] for row in checked(tmp_path / "d", coco=tiny)[0]} == {50}, "8 px is too small"


def test_coco_what_cannot_be_asked_about_is_counted_and_still_there(tmp_path):
    source = coco(
        tmp_path,
        instance(2, [20, 10, 30, 20]),
        instance(2, [60, 10, 30, 20], iscrowd=1, segmentation={"counts": [1, 2], "size": [100, 200]}),
        instance(3, [100, 10, float("nan"), 20]),
        instance(3, [130, 10, 20, 20]),
        instance(4, [1, 2, 3]),
        instance(5, [100, 10, -30, 20]),
        instance(99, [100, 10, 30, 20]),
        instance(1, [100, 10, 30, 20], image=8),
        instance(1, [100, 10, 30, 20], image=[7]),
        "no annotation",
    )
    samples, rejects = checked(tmp_path, coco=source)
    assert samples == [], "a dog beside a crowd of dogs is not the only one"
    codes = ["missing_image", "malformed_row", "malformed_row", "crowd_region"]
    codes += ["bad_box", "bad_box", "malformed_row", "bad_box", "missing_question"]
    assert [code for code, _ in rejects] == codes


def test_coco_rejected_regions_name_their_image(tmp_path):
    source = coco(tmp_path, instance(2, [60, 10, 30, 20], iscrowd=1))
    crowd, no_question = rejected_images(tmp_path, coco=source)
    assert crowd == no_question is not None


def test_coco_images_that_repeat_an_id_have_none_or_are_not_there(tmp_path):
    images = [
        {"id": 7, "file_name": "000000000007.jpg"},
        {"id": "7", "file_name": "other.jpg"},
        {"file_name": "x.jpg"},
        5,
        {"id": 8, "file_name": "../instances.json"},
        {"id": 9, "file_name": None},
        {"id": 10, "file_name": "000000000007.jpg", "width": 100, "height": 50},
    ]
    boxes = [instance(2, [20, 10, 30, 20], image=number) for number in (7, 8, 9, 10)]
    source = coco(tmp_path, *boxes, images=images, questions_per_image=1)
    samples, rejects = checked(tmp_path, coco=source)
    assert len(samples) == 1 and samples[0]["licence"] == "unknown"
    codes = [
        "duplicate_id",
        "malformed_row",
        "malformed_row",
        "path_escape",
        "missing_image",
        "size_mismatch",
    ]
    assert [code for code, _ in rejects] == codes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not readable JSON"),
        (b'{"categories": [{"id": 1, "name": "dog"}], "images": [', "not readable JSON"),
        (b'{"categories": [{"id": 1, "name": "\xff"}]}', "not readable JSON"),
        (b'{"categories": ' + b"[" * 10**5, "more than 64 brackets"),
        (b'{"images": [], "annotations": []}', "no list of categories"),
        (b"[]", "no list of categories"),
        (b'{"categories": {"1": "dog"}}', "no list of categories"),
    ],
    ids=range(7),
)
def test_coco_a_file_that_cannot_be_read_is_named_with_the_reason(text, reason, tmp_path):
    with pytest.raises(SourceError, match=rf"instances\.json: .*{reason}"):
        checked(tmp_path, coco=coco(tmp_path, text=text))
