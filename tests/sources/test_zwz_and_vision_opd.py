"""ZwZ-RL-VQA and Vision-OPD-6K, whose published images have a red box drawn around the answer."""

import csv
import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from tests.published_rows import IMAGES, picture, put, read
from vzero.config import Ingest, NeedleSource, Params, VisionOpdSource, ZwzSource
from vzero.errors import SourceError
from vzero.paths import Paths
from vzero.sources.catalogue import open_source
from vzero.sources.zwz import read_problem
from vzero.stages import ingest
from vzero.untrusted.cleaning import Cleaning

HINT = "Only focus on the objects inside the red bounding box in the image to answer this question."

ZWZ_ROW = {
    "images": ["0f3a.png"],
    "problem": f"<image>What is on the sign?\n\n{HINT}\nA. a cow\nB. a goat",
    "answer": "B",
    "bbox": "(40.0,30.5,120.0,90.0)",
    "status": "valid vqa",
}


def zwz(root: Path, rows: list[dict], **params) -> Ingest:
    pl.DataFrame(rows).write_parquet(root / "train.parquet")
    return Ingest(source="zwz", zwz=ZwzSource(rows=Path("train.parquet"), images=IMAGES, **params))


def test_zwz_with_clean_images_loses_the_sentence_about_the_red_box(tmp_path):
    put(tmp_path, "0f3a.png")
    [sample], rejects = read(zwz(tmp_path, [ZWZ_ROW]), tmp_path)
    assert sample["question"] == "What is on the sign?"
    assert (sample["options"], sample["answer"]) == (["a cow", "a goat"], "B")
    assert sample["boxes"] == [[40, 30.5, 120, 90]]
    assert (sample["licence"], rejects) == ("Apache-2.0", [])


@pytest.mark.parametrize("name", ["0f3a.png", "0f3a.jpg"])
def test_zwz_images_with_the_red_box_are_refused(name, tmp_path):
    put(tmp_path, name, picture(drawn=(40, 30.5, 120, 90)))
    put(tmp_path, "clean.png")
    rows = [ZWZ_ROW | {"images": [name]}, ZWZ_ROW | {"images": ["clean.png"]}]
    samples, rejects = read(zwz(tmp_path, rows), tmp_path)
    assert (len(samples), rejects) == (1, [(0, "drawn_box")])


def test_zwz_as_it_is_published_says_what_helps_and_counts_rows_without_boxes_apart(tmp_path):
    put(tmp_path, "0f3a.png", picture(drawn=(40, 30.5, 120, 90)))
    few = {"needle": NeedleSource(benchmark_questions=2)}
    config = zwz(tmp_path, [ZWZ_ROW, ZWZ_ROW | {"problem": "What?"}, ZWZ_ROW | {"bbox": ""}])
    with pytest.raises(SourceError) as raised:
        ingest.run(Params(ingest=config.model_copy(update=few)), Paths(tmp_path), processes=1)
    message = str(raised.value)
    assert message.startswith("zwz: none of 3 rows can be used (drawn_box: 2, missing_box: 1); row 0, image")
    assert "ingest.zwz.image_column: original_images" in message
    assert message.endswith("take the pictures as they are (ingest.zwz.allow_drawn_boxes: true)")


def test_zwz_images_with_the_red_box_are_read_when_asked_for_and_the_question_says_so(tmp_path):
    put(tmp_path, "0f3a.png", picture(drawn=(40, 30.5, 120, 90)))
    [sample], _ = read(zwz(tmp_path, [ZWZ_ROW], allow_drawn_boxes=True), tmp_path)
    assert HINT in sample["question"]


def test_zwz_rows_that_are_wrong_are_counted(tmp_path):
    put(tmp_path, "0f3a.png")
    wrong = [
        {"bbox": "(40.0,30.5,120.0)"},
        {"bbox": None},
        {"bbox": "(120.0,30.5,40.0,90.0)"},
        {"problem": f"<image>{HINT}"},
        {"answer": "C"},
        {"images": ["0f3b.png"]},
        {"images": []},
    ]
    samples, rejects = read(zwz(tmp_path, [ZWZ_ROW, *(ZWZ_ROW | row for row in wrong)]), tmp_path)
    assert len(samples) == 1
    assert rejects == [
        (1, "bad_box"),
        (2, "missing_box"),
        (3, "bad_box"),
        (4, "missing_question"),
        (5, "answer_not_in_options"),
        (6, "missing_image"),
        (7, "missing_image"),
    ]


def test_zwz_mini_csv_names_the_clean_image_in_a_column_of_its_own(tmp_path):
    put(tmp_path, "original/1.jpg")
    row = {
        "original_images": "['original/1.jpg']",
        "crop_images": "['crop/1.jpg']",
        "bbox": "[40, 30, 120, 90]",
        "problem": "<image>\nWhat is on the sign?\n(A) a cow\n(B) a goat",
        "answer": "A",
        "ability": "ocr",
        "data_source": "zwz_vqa",
    }
    with (tmp_path / "mini.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerows([row, row | {"original_images": "original/1.jpg", "bbox": "[40, 30, 120"}])
    source = ZwzSource(rows=Path("mini.csv"), images=IMAGES, image_column="original_images")
    [sample], rejects = read(Ingest(source="zwz", zwz=source), tmp_path)
    assert sample["boxes"] == [[40, 30, 120, 90]]
    assert (sample["options"], sample["answer"], sample["category"]) == (["a cow", "a goat"], "A", "ocr")
    assert rejects == [(1, "bad_box")]


def test_zwz_without_the_declared_image_column_says_what_there_is(tmp_path):
    put(tmp_path, "0f3a.png")
    with pytest.raises(SourceError, match="no column 'original_images'; it has: images, problem"):
        open_source("zwz", zwz(tmp_path, [ZWZ_ROW], image_column="original_images"), Paths(tmp_path))


OPD_ROW = {
    "images": ["images/1.png"],
    "teacher_images": ["teacher_images/1.png"],
    "original_images": ["original_images/1.png"],
    "problem": f"<image>What is on the sign?\n\n{HINT}",
    "answer": "a goat",
    "bbox": [40, 30, 120, 90],
    "extra_info": {"question": "What is on the sign?", "answer": "a goat"},
}


def vision_opd(root: Path, *rows: dict, **params) -> Ingest:
    put(root, "images/1.png", picture(drawn=(40, 30, 120, 90)))
    put(root, "original_images/1.png")
    (root / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = VisionOpdSource(rows=Path("train.jsonl"), images=IMAGES, **params)
    return Ingest(source="vision_opd", vision_opd=source)


def test_vision_opd_shows_the_student_the_clean_image(tmp_path):
    [sample], rejects = read(vision_opd(tmp_path, OPD_ROW), tmp_path)
    assert (sample["question"], sample["answer"]) == ("What is on the sign?", "a goat")
    assert sample["boxes"] == [[40, 30, 120, 90]]
    assert (sample["licence"], rejects) == ("unverified, the code is Apache-2.0", [])


def test_vision_opd_shows_the_red_box_when_asked_for(tmp_path):
    [sample], _ = read(vision_opd(tmp_path, OPD_ROW, allow_drawn_boxes=True), tmp_path)
    red_boxed = (tmp_path / IMAGES / "images/1.png").read_bytes()
    assert sample["image_id"] == hashlib.sha256(red_boxed).hexdigest()
    assert HINT in sample["question"]


def test_vision_opd_rows_that_are_wrong_are_counted(tmp_path):
    wrong = [
        {"original_images": ["images/1.png"]},
        {"original_images": ["original_images/1.png"] * 2},
        {"original_images": ["/etc/hostname"]},
        {"bbox": [40, 30, 240, 90]},
        {"bbox": "none"},
    ]
    rows = [OPD_ROW, *(OPD_ROW | row for row in wrong)]
    samples, rejects = read(vision_opd(tmp_path, *rows), tmp_path)
    assert len(samples) == 2, "a box that is more than half inside is clipped"
    assert rejects == [(1, "drawn_box"), (2, "missing_image"), (3, "path_escape"), (5, "bad_box")]


@pytest.mark.parametrize(
    ("problem", "plain"),
    [
        (
            "What is it?\n\nOnly focus on the objects inside the red bounding box in the image to answer "
            "this question.\nA. cup\nB. jug",
            {"question": "What is it?", "options": ["cup", "jug"], "cleanings": (Cleaning.RED_BOX,)},
        ),
        (
            "Is the red bounding box of the goal drawn?",
            {"question": "Is the red bounding box of the goal drawn?", "options": [], "cleanings": ()},
        ),
    ],
)
def test_only_the_sentence_about_the_red_box_is_taken_out(problem, plain):
    assert read_problem(problem, keep_hint=False) == plain
