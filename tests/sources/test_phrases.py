"""Phrases with boxes, in the three forms of files; each by hand from a description, none from a real file."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from checked_source import checked, picture

from vzero.config import PhrasesSource
from vzero.errors import SourceError

CUP, DOG, BALL = (20, 30, 60, 70), (100, 10, 180, 90), (5, 5, 17, 17)  # xyxy on 200 x 100 pixels
PHRASES = {"white cup": CUP, "the dog with a bone.": DOG}


def xywh(box: tuple[int, ...]) -> list[int]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def write(root: Path, name: str, content: Any) -> Path:
    picture(root / "images/a.jpg")
    (root / name).write_text(json.dumps(content))
    return Path(name)


def refer(root: Path, *references: dict, **settings: Any) -> PhrasesSource:
    """As lichengunc/refer describes references and instances (unverified)."""
    image = {"id": 7, "file_name": "a.jpg", "width": 200, "height": 100}
    annotations = [
        {"id": number, "image_id": 7, "category_id": 1, "bbox": xywh(box)}
        for number, box in enumerate((CUP, DOG, BALL))
    ]
    instances = write(root, "instances.json", {"images": [image], "annotations": annotations})
    return PhrasesSource(
        rows=write(root, "refs.json", references),
        instances=instances,
        images=Path("images"),
        questions_per_image=9,
        **settings,
    )


def reference(number: int, *sentences: str, split: str = "train") -> dict:
    told = [{"sent_id": 1, "sent": text, "raw": text, "tokens": text.split()} for text in sentences]
    place = {"ann_id": number, "image_id": 7, "category_id": 1, "file_name": f"a_{number}.jpg"}
    return place | {"ref_id": 50 + number, "split": split, "sent_ids": [1], "sentences": told}


def captions(root: Path, phrases: dict[str, tuple]) -> PhrasesSource:
    """As MDETR's files are read by others (unverified): an entry of images a phrase."""
    entries = [
        {"id": number, "file_name": "a.jpg", "width": 200, "height": 100, "caption": text}
        for number, text in enumerate(phrases)
    ]
    boxes = [
        {"id": number, "image_id": number, "bbox": xywh(box)} for number, box in enumerate(phrases.values())
    ]
    rows = write(root, "finetune.json", {"images": entries, "annotations": boxes})
    return PhrasesSource(
        form="captions", rows=rows, instances=None, images=Path("images"), questions_per_image=9
    )


def regions(root: Path, phrases: dict[str, tuple]) -> PhrasesSource:
    """As the driver of Visual Genome describes region descriptions (unverified)."""
    picture(root / "images/VG_100K_2/61512.jpg")
    told = [
        {"region_id": 1, "image_id": 61512, "phrase": text}
        | dict(zip("xy", box[:2], strict=True))
        | {"width": box[2] - box[0], "height": box[3] - box[1]}
        for text, box in phrases.items()
    ]
    rows = write(root, "region_descriptions.json", [{"id": 61512, "regions": told}])
    return PhrasesSource(
        form="visual_genome", rows=rows, instances=None, images=Path("images"), questions_per_image=9
    )


def found(rows: list[dict]) -> set[tuple]:
    return {tuple(box) for row in rows for box in row["boxes"]}


@pytest.mark.parametrize("form", ["refer", "captions", "visual_genome"])
def test_boxes_of_every_form_are_corner_and_sides_in_pixels(form: str, tmp_path: Path):
    if form == "refer":
        config = refer(tmp_path, *(reference(number, text) for number, text in enumerate(PHRASES)))
    else:
        config = {"captions": captions, "visual_genome": regions}[form](tmp_path, PHRASES)
    rows, rejects = checked(tmp_path, phrases=config)
    assert (found(rows), rejects) == ({CUP, DOG}, [])
    questions = {row["question"]: row["options"]["ABCD".index(row["answer"])] for row in rows}
    [sides] = [text for text in questions if "to the left or to the right" in text]
    asked_of_cup = sides.startswith("Is the white cup")
    assert "the dog with a bone" in sides and "bone." not in sides and "the the" not in sides
    assert questions[sides] == ("to the left" if asked_of_cup else "to the right")


def test_nothing_is_asked_that_presumes_a_phrase_for_every_object(tmp_path: Path):
    rows, _ = checked(tmp_path, phrases=captions(tmp_path, PHRASES))
    assert {row["category"] for row in rows} <= {"side", "height", "corner"}
    with pytest.raises(
        ValueError, match=r"count: not every object has a phrase; allowed: side, height, corner"
    ):
        PhrasesSource(templates=["side", "count"])


def test_of_one_things_phrases_the_first_is_taken_that_tells_no_place(tmp_path: Path):
    told = [reference(2, "left ball", "ball"), reference(1, "dog on the right", "right dog")]
    rows, rejects = checked(tmp_path, phrases=refer(tmp_path, *told))
    assert [row["question"] for row in rows] == ["Which corner of the picture is the ball nearest to?"]
    assert (found(rows), rejects) == ({BALL}, [])


def test_a_phrase_whose_words_another_has_too_may_mean_either(tmp_path: Path):
    phrases = {"cup": CUP, "white cup": BALL, "dog": DOG}
    rows, _ = checked(tmp_path, phrases=captions(tmp_path, phrases))
    assert rows and CUP not in found(rows)
    assert not any("the cup" in row["question"] for row in rows)


def test_only_the_wanted_split_of_references_is_read(tmp_path: Path):
    told = [reference(0, "cup"), reference(1, "dog"), reference(2, "ball", split="testA")]
    few, all_of_them = tmp_path / "few", tmp_path / "all"
    rows, _ = checked(few, phrases=refer(few, *told))
    assert BALL not in found(rows)
    rows, _ = checked(all_of_them, phrases=refer(all_of_them, *told, splits=["train", "testA"]))
    assert BALL in found(rows)


def test_what_points_nowhere_is_a_reject_with_its_reason(tmp_path: Path):
    told = [
        reference(0, "cup"),
        reference(1, "dog"),
        reference(9, "ghost"),
        reference(2),
        {"split": "train", "sentences": "none"},
    ]
    _, rejects = checked(tmp_path, phrases=refer(tmp_path, *told))
    assert sorted(rejects) == [
        ("missing_box", "instances have no annotation of this ann_id"),
        ("missing_box", "instances have no annotation of this ann_id"),
        ("missing_question", "no phrase"),
    ]


def test_a_pickle_is_refused_with_a_command_that_makes_it_readable(tmp_path: Path):
    references = [reference(0, "cup"), reference(1, "dog")]
    config = refer(tmp_path, *references)
    (tmp_path / "refs(unc).p").write_bytes(pickle.dumps(references))
    with pytest.raises(SourceError) as refused:
        checked(tmp_path, phrases=config.model_copy(update={"rows": Path("refs(unc).p")}))
    message = str(refused.value)
    assert "a pickle is not read" in message
    code = message[message.index("-c '") + len("-c '") : -1]
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    rows, _ = checked(tmp_path, phrases=config.model_copy(update={"rows": Path("refs(unc).json")}))
    assert found(rows) == {CUP, DOG}


def test_instances_go_with_references_alone():
    for settings in ({"instances": None}, {"form": "captions"}):
        with pytest.raises(ValueError, match="instances: goes with form refer, and with no other"):
            PhrasesSource(**settings)
