"""YOLO text files: boxes and polygons as two libraries write them, and what people's folders look like."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked_source import checked, picture

from vzero.config import YoloSource
from vzero.errors import SourceError

# Written by supervision 0.31.2: DetectionDataset(...).as_yolo(images_directory_path,
# annotations_directory_path, data_yaml_path), of xyxy boxes (20, 30, 60, 70) and (100, 10, 180, 90) on
# 200 x 100 pixels, and of a mask from (100, 20) to (159, 59). globox 2.9.0's save_yolo_v7 writes them alike.
SUPERVISION = {
    "labels/a.txt": "0 0.20000 0.50000 0.20000 0.40000\n1 0.70000 0.50000 0.40000 0.80000\n",
    "labels/b.txt": "1 0.50000 0.20000 0.50000 0.59000 0.79500 0.59000 0.79500 0.20000\n",
    "data.yaml": "nc: 2\nnames: [cup, dog]\n",
}
GLOBOX = {"labels/a.txt": "0 0.2 0.5 0.2 0.4\n1 0.7 0.5 0.4 0.8\n"}
CUP, DOG = [20, 30, 60, 70], [100, 10, 180, 90]


def yolo(root: Path, files: dict[str, str], *pictures: str, **changes) -> YoloSource:
    for name in pictures or ("images/a.png", "images/b.png"):
        picture(root / "set" / name)
    for name, text in files.items():
        (root / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "set" / name).write_text(text)
    return YoloSource(data=Path("set/data.yaml"), questions_per_image=9, **changes)


def boxes(rows: list[dict]) -> set[tuple]:
    return {tuple(box) for row in rows for box in row["boxes"]}


@pytest.mark.parametrize("labels", [{}, GLOBOX])
def test_boxes_and_polygons_as_libraries_write_them(labels: dict[str, str], tmp_path: Path):
    rows, rejects = checked(tmp_path, yolo=yolo(tmp_path, SUPERVISION | labels))
    close = {tuple(round(number, 2) for number in box) for box in boxes(rows)}
    assert {tuple(CUP), tuple(DOG)} <= close
    assert (100, 20, 159, 59) in close, "of a polygon, the box around it"
    assert rejects == []
    assert {row["question"] for row in rows} >= {"Which corner of the picture is the dog nearest to?"}


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ("path: .\ntrain: images/train\n", "images/train"),
        ("train: ../train/images\n", "train/images"),  # Roboflow's, where no folder is above
        ("train: [train/images]\nval: val/images\n", "train/images"),
    ],
)
def test_folders_of_data_yaml(data: str, place: str, tmp_path: Path):
    labels = place.replace("images", "labels")
    files = {
        "data.yaml": f"{data}names: {{0: cup, 1: dog}}\n",
        f"{labels}/deep/a.txt": SUPERVISION["labels/a.txt"],
    }
    rows, rejects = checked(tmp_path, yolo=yolo(tmp_path, files, f"{place}/deep/a.png"))
    assert (boxes(rows), rejects) == ({tuple(CUP), tuple(DOG)}, [])


def test_lines_that_say_nothing_are_rejects_and_the_others_are_read(tmp_path: Path):
    lines = "7 .5 .5 .1 .1\n1 .5 .5\n1 a b c d\n0 0.2 0.5 0.2 0.4 0.93\n\n"
    files = SUPERVISION | {
        "labels/a.txt": lines,
        "labels/gone.txt": lines,
        "labels/classes.txt": "cup\ndog\n",
    }
    rows, rejects = checked(tmp_path, yolo=yolo(tmp_path, files))
    assert tuple(CUP) in boxes(rows), "a sixth number is the confidence of a prediction"
    assert sorted(code for code, _ in rejects) == ["bad_box", "bad_box", "malformed_row", "missing_image"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [cup]\ntrain: nowhere\n", "no folder of images 'nowhere'"),
        ("train: images\n", "no names of classes"),
        ("names: [[cup]]\ntrain: images\n", "names must be texts"),
        ("- a\n", "no mapping"),
        ("names: [cup\n", "not readable"),
        ("names: [cup]\nval: images\n", "train must name a folder"),
    ],
)
def test_a_data_yaml_that_does_not_lead_to_images_is_an_error(text: str, message: str, tmp_path: Path):
    with pytest.raises(SourceError, match=message):
        checked(tmp_path, yolo=yolo(tmp_path, SUPERVISION | {"data.yaml": text}))
