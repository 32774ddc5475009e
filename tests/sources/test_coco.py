"""COCO: from files in their published form to checked rows, and hostile files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from checked_source import BETWEEN_CATEGORIES, checked, picture, rejected_images

from vzero.config import CocoSource
from vzero.errors import SourceError

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


def specks(*categories: int) -> list[dict[str, Any]]:
    """In another image an object of each: too small to be asked about, but there."""
    return [instance(category, [5, 5, 4, 4], image=8) for category in categories]


def image(number: int, **changes: Any) -> dict[str, Any]:
    kept = {"license": 3, "file_name": "000000000007.jpg", "width": 200, "height": 100, "id": number}
    return kept | changes


def coco(
    root: Path,
    *annotations: Any,
    images: Any = None,
    text: bytes | None = None,
    categories: Any = CATEGORIES,
    **changes: Any,
):
    picture(root / "images/000000000007.jpg")
    document = {
        "info": {"year": 2017},
        "licenses": LICENCES,
        "images": images if images is not None else [image(7)],
        "annotations": list(annotations),
        "categories": categories,
    }
    (root / "instances.json").write_bytes(text if text is not None else json.dumps(document).encode())
    changes = {"templates": list(BETWEEN_CATEGORIES)} | changes
    return CocoSource(annotations=Path("instances.json"), images=Path("images"), **changes)


def test_coco_questions_rest_on_single_objects_and_have_one_answer(tmp_path):
    source = coco(
        tmp_path,
        instance(2, [20.5, 10, 30, 20]),
        instance(3, [100, 60.25, 12, 14]),
        instance(1, [150, 5, 20, 50]),
        instance(1, [170, 5, 20, 50]),
        *specks(4, 5),
        images=[image(7), image(8)],
        questions_per_image=20,
    )
    rows, rejects = checked(tmp_path, coco=source)
    assert rejects == [
        ("missing_question", "no template has one answer for 2 objects; the annotated categories are 5")
    ]
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
    dog = instance(2, [20, 10, 30, 20])
    source = coco(tmp_path, dog, *specks(4), images=[image(7, license=7), image(8)])
    samples, _ = checked(tmp_path, coco=source)
    assert {row["licence"] for row in samples} == {"No known copyright restrictions"}


def test_coco_prefers_small_objects_and_draws_the_same_whatever_the_order(tmp_path):
    boxes = [instance(number, [10 * number, 10, 12 + 10 * number, 40]) for number in range(1, 4)] + specks(4)

    def drawn(name: str, boxes: list[dict[str, Any]], **changes: Any) -> list[dict[str, Any]]:
        source = coco(tmp_path / name, *boxes, images=[image(7), image(8)], **changes)
        return checked(tmp_path / name, coco=source)[0]

    rows = drawn("a", boxes, questions_per_image=1)
    again = drawn("b", boxes[::-1], questions_per_image=1)
    assert rows == again and len(rows) == 1
    many = drawn("c", boxes, questions_per_image=9, seed=1)
    assert {row["category"] for row in many} == {"seen"}, "boxes that overlap are on no side of each other"
    narrow = [instance(2, [5, 5, 8, 40]), instance(3, [50, 5, 80, 40]), *specks(4)]
    assert {row["boxes"][0][0] for row in drawn("d", narrow)} == {50}, "8 px is too small"


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
        {"id": 11, "file_name": "000000000007.jpg"},
    ]
    boxes = [instance(2, [20, 10, 30, 20], image=number) for number in (7, 8, 9, 10)]
    boxes.append(instance(4, [5, 5, 4, 4], image=11))
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
        "missing_question",
    ]
    assert [code for code, _ in rejects] == codes


def options(root: Path, categories: list[Any], *annotations: Any) -> set[str]:
    """What is offered beside the right answer in the picture of `annotations`; the others are elsewhere."""
    listed = [
        {"id": number, "name": name, "supercategory": above}
        for number, (name, above) in enumerate(categories)
    ]
    source = coco(root, *annotations, images=[image(7), image(8)], categories=listed)
    return {option for row in checked(root, coco=source)[0] for option in row["options"]}


CHESS = [("pieces", "none"), ("white-king", "pieces"), ("black-king", "pieces"), ("white-pawn", "pieces")]


def test_coco_only_annotated_categories_are_options(tmp_path):
    """Roboflow lists a root that no object has, though every object is one; so may other exports."""
    king = instance(1, [20, 10, 30, 20])
    assert options(tmp_path / "a", CHESS, king, *specks(2, 3)) == {"white-king", "black-king", "white-pawn"}
    assert options(tmp_path / "b", CHESS, king, *specks(3)) == {"white-king", "white-pawn"}
    assert options(tmp_path / "c", CHESS, king) == set(), "nothing to offer"


def test_coco_a_super_category_is_never_offered_beside_its_parts(tmp_path):
    categories = [*CHESS, ("board", "none")]
    king, piece, board = (instance(number, [20, 10, 30, 20]) for number in (1, 0, 4))
    kings = {"white-king", "black-king"}
    assert options(tmp_path / "a", categories, king, *specks(0, 2)) == kings, "a king is a piece"
    assert options(tmp_path / "b", categories, piece, *specks(1, 2)) == set(), "a piece may be a king"
    found = options(tmp_path / "c", categories, board, *specks(0, 1))
    assert found in ({"board", "pieces"}, {"board", "white-king"}), (
        "neither is there, but not both are options"
    )


def test_coco_two_names_of_one_thing_are_not_beside_each_other(tmp_path):
    """Other spellings, categories far above, and rings of them."""
    categories = [("Traffic Light", "signs"), ("traffic_light", ""), ("signs", "street"), ("street", "signs")]
    light = instance(0, [20, 10, 30, 20])
    assert options(tmp_path / "a", [*categories, ("cat", "cat")], light, *specks(1, 2, 3, 4)) == {
        "Traffic Light",
        "cat",
    }
    two = [light, instance(1, [100, 10, 30, 20])]
    assert options(tmp_path / "b", [*categories, ("cat", "cat")], *two, *specks(4)) == set(), "which light?"


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
