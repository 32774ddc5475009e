"""Label Studio's exports: tasks as its own library writes them, and what people's projects have besides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checked_source import checked, picture

from vzero.config import LabelStudioSource

# Written by label-studio-sdk 2.1.2, label_studio_sdk.converter.imports.yolo.convert_yolo_to_ls(folder,
# "out.json", image_root_url="/data/local-files/?d=images", image_ext=".png"), of xyxy boxes (20, 30, 60, 70)
# and (100, 10, 180, 90) on 200 x 100 pixels; its ids are left out.
DRAWN = {
    "cup": {"x": 10.0, "y": 30.0, "width": 20.0, "height": 40.0},
    "dog": {"x": 49.99999999999999, "y": 9.999999999999998, "width": 40.0, "height": 80.0},
}
RESULTS = [
    {
        "type": "rectanglelabels",
        "value": where | {"rotation": 0, "rectanglelabels": [name]},
        "to_name": "image",
        "from_name": "label",
        "image_rotation": 0,
        "original_width": 200,
        "original_height": 100,
    }
    for name, where in DRAWN.items()
]
TASK = {
    "data": {"image": "/data/local-files/?d=images/a.png"},
    "annotations": [{"result": RESULTS, "ground_truth": False}],
}
# As labelstud.io/guide/export describes JSON-MIN (unverified).
MINIMAL = {
    "image": "/data/upload/1/0f3a9b2c-a.png",
    "id": 1,
    "label": [one["value"] | {"original_width": 200, "original_height": 100} for one in RESULTS],
    "annotator": 1,
}
CUP, DOG = (20, 30, 60, 70), (100, 10, 180, 90)


def tasks(root: Path, *rows: Any) -> LabelStudioSource:
    picture(root / "images/a.png")
    (root / "export.json").write_text(json.dumps(rows))
    return LabelStudioSource(tasks=Path("export.json"), images=Path("images"), questions_per_image=9)


def boxes(rows: list[dict]) -> set[tuple]:
    return {tuple(round(number, 3) for number in box) for row in rows for box in row["boxes"]}


@pytest.mark.parametrize("task", [TASK, MINIMAL], ids=["JSON", "JSON-MIN"])
def test_rectangles_are_per_cent_of_the_sides(task: dict[str, Any], tmp_path: Path):
    rows, rejects = checked(tmp_path, label_studio=tasks(tmp_path, task))
    assert (boxes(rows), rejects) == ({CUP, DOG}, [])


@pytest.mark.parametrize(
    "address",
    ["a.png", "/data/upload/7/0f3a9b2c-a.png", "s3://bucket/deep/a.png", "https://x.org/images/%61.png"],
)
def test_pictures_are_found_by_what_addresses_end_with(address: str, tmp_path: Path):
    rows, rejects = checked(tmp_path, label_studio=tasks(tmp_path, TASK | {"data": {"image": address}}))
    assert (boxes(rows), rejects) == ({CUP, DOG}, [])


def test_turned_rectangles_are_no_boxes_and_their_objects_are_there_all_the_same(tmp_path: Path):
    cup = RESULTS[0] | {"value": RESULTS[0]["value"] | {"rotation": 30.5}}
    rows, rejects = checked(
        tmp_path, label_studio=tasks(tmp_path, TASK | {"annotations": [{"result": [cup, RESULTS[1]]}]})
    )
    assert boxes(rows) == {DOG}
    assert rejects == [("bad_box", "rotation 30.5: a turned rectangle is no box")]
    assert not any("cup" in row["question"] for row in rows)


def test_of_several_annotations_the_first_counts_that_was_not_cancelled(tmp_path: Path):
    told = [
        {"result": RESULTS[:1], "was_cancelled": True},
        {"result": RESULTS[1:]},
        {"result": RESULTS},
    ]
    rows, _ = checked(tmp_path, label_studio=tasks(tmp_path, TASK | {"annotations": told}))
    assert boxes(rows) == {DOG}


def test_a_task_without_a_picture_or_of_another_size_is_a_reject(tmp_path: Path):
    other = [one | {"original_width": 400} for one in RESULTS]
    rows = [
        TASK,
        TASK | {"data": {"text": "?"}},
        TASK | {"annotations": [{"result": other}]},
        [],
        TASK | {"data": {}},
    ]
    _, rejects = checked(tmp_path, label_studio=tasks(tmp_path, *rows))
    codes = [code for code, _ in rejects]
    assert codes.count("missing_image") == 2
    assert codes.count("malformed_row") == 1
    assert set(codes) == {"missing_image", "malformed_row", "size_mismatch"}
