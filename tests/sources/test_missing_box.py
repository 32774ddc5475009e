"""`ingest.missing_box`: a row of any source that has no box is a reject, or a sample without evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from checked_source import checked, picture

from vzero import imaging

Written = dict[str, Any]
"""The source's name with its section."""

IMAGES = {"images": "images"}
PADDED = [0.2, 0.4, 0.4, 0.6]


def rows_of(root: Path, rows: Any, name: str = "rows.jsonl") -> dict[str, str]:
    """A file of rows about one picture of 200 x 100, and the paths of both."""
    picture(root / "images/1.png")
    lines = "\n".join(map(json.dumps, rows))
    (root / name).write_text(lines if name.endswith(".jsonl") else json.dumps(rows))
    return {"rows": name} | IMAGES


def said(*turns: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[turn % 2], "value": text} for turn, text in enumerate(turns)]


def table(root: Path) -> Written:
    return {"table": rows_of(root, [{"image": "1.png", "question": "Which?", "box": None}])}


def table_without_the_column(root: Path) -> Written:
    paths = rows_of(root, [{"image": "1.png", "question": "Which?"}])
    return {"table": paths | {"columns": {"box": None}}}


def zwz(root: Path) -> Written:
    return {"zwz": rows_of(root, [{"images": ["1.png"], "problem": "<image>Which?", "bbox": None}])}


def vision_opd(root: Path) -> Written:
    return {
        "vision_opd": rows_of(root, [{"original_images": ["1.png"], "problem": "<image>Which?", "bbox": []}])
    }


def visual_cot(root: Path) -> Written:
    picture(root / "images/cub/1.png")
    return {
        "visual_cot": rows_of(
            root, [{"image": "1.png", "dataset": "cub", "question": "Which?", "bboxs": None}]
        )
    }


def visual_cot_llava(root: Path) -> Written:
    """Of the mixed file, a row of other data."""
    rows = [{"image": "1.png", "conversations": said("<image>\nWhich?", "The left one.")}]
    return {"visual_cot_llava": rows_of(root, rows, "rows.json")}


def treevgr(root: Path) -> Written:
    return {
        "treevgr": rows_of(root, [{"images": ["1.png"], "problem": "<image>Which?", "target_instances": []}])
    }


def seal(root: Path) -> Written:
    rows = [{"image": "1.png", "conversations": said("<image>\nWhich?", "The left one.")}]
    return {"seal": rows_of(root, rows, "rows.json")}


def vgr(root: Path) -> Written:
    rows = [{"image": "1.png", "conversations": said("<image>\nWhich?", "<think>Well.</think>The left one.")}]
    return {"vgr": rows_of(root, rows)}


def vgr_with_nothing_between_its_tags(root: Path) -> Written:
    rows = [{"image": "1.png", "conversations": said("<image>\nWhich?", "<SOT><EOT>The left one.")}]
    return {"vgr": rows_of(root, rows)}


def gqa(root: Path, **graph: Any) -> Written:
    """A question about something that is not in the picture."""
    picture(root / "images/1.jpg")
    steps = [{"operation": "select", "argument": "dog (-)"}]
    question = {"imageId": "1", "question": "Which?", "answer": "no", "semantic": steps}
    (root / "questions.json").write_text(json.dumps({"q": question}))
    objects = {"7": {"name": "cat", "x": 1, "y": 2, "w": 30, "h": 40}}
    graphs = {"1": {"width": 200, "height": 100, "objects": objects} | graph}
    (root / "graphs.json").write_text(json.dumps(graphs))
    return {"gqa": {"questions": "questions.json", "scene_graphs": "graphs.json"} | IMAGES}


def gqa_without_a_scene_graph(root: Path) -> Written:
    found = gqa(root)
    (root / "graphs.json").write_text("{}")
    return found


def vstar(root: Path) -> Written:
    picture(root / "images/direct_attributes/1.jpg")
    item = {"question": "Which?", "options": ["this", "that"], "bbox": None, "target_object": None}
    (root / "images/direct_attributes/1.json").write_text(json.dumps(item))
    return {"vstar": IMAGES}


def verl(root: Path) -> Written:
    picture(root / "1.png")
    row = {
        "prompt": [{"role": "user", "content": "<image>Which?"}],
        "images": [{"bytes": (root / "1.png").read_bytes()}],
        "teacher_images": None,
        "extra_info": {"index": 0},
    }
    pl.DataFrame([row]).write_parquet(root / "rows.parquet")
    return {"verl": {"rows": "rows.parquet"}}


SOURCES: list[Callable[[Path], Written]] = [
    table,
    table_without_the_column,
    zwz,
    vision_opd,
    visual_cot,
    visual_cot_llava,
    treevgr,
    seal,
    vgr,
    vgr_with_nothing_between_its_tags,
    gqa,
    gqa_without_a_scene_graph,
    vstar,
    verl,
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_a_row_without_a_box_is_a_sample_where_that_is_asked_for(source: Callable, tmp_path: Path):
    [sample], rejects = checked(tmp_path, missing_box="keep", **source(tmp_path))
    assert rejects == []
    assert (sample["question"], sample["boxes"], sample["evidence_box"]) == ("Which?", [], None)
    assert sample["more_image_ids"] == []


@pytest.mark.parametrize("source", [one for one in SOURCES if one is not table_without_the_column],
                         ids=lambda source: source.__name__)  # fmt: skip
def test_and_a_reject_otherwise(source: Callable, tmp_path: Path):
    samples, [(code, _)] = checked(tmp_path, **source(tmp_path))
    assert (samples, code) == ([], "missing_box")


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"box": [30, 30, 10, 10]}, "bad_box"),
        ({"box": "the upper left"}, "bad_box"),
        ({"box": [500, 10, 520, 30]}, "box_outside"),
        ({"box": [10, 10, 10, 30]}, "box_empty"),
        ({"box": [0, 0, 200, 99]}, "box_too_large"),
        ({"question": None}, "missing_question"),
        ({"image": "absent.png"}, "missing_image"),
    ],
)
def test_a_bad_box_and_whatever_else_is_wrong_is_a_reject_as_before(cells: dict, code: str, tmp_path: Path):
    row = {"image": "1.png", "question": "Which?", "box": None} | cells
    rows = [{"image": "1.png", "question": "Whose?", "box": None}, row]
    samples, [(found, _)] = checked(tmp_path, missing_box="keep", table=rows_of(tmp_path, rows))
    assert ([sample["question"] for sample in samples], found) == (["Whose?"], code)


def test_a_picture_of_another_size_than_the_row_states_is_a_reject_without_a_box_too(tmp_path: Path):
    _, [(code, _)] = checked(tmp_path, missing_box="keep", **gqa(tmp_path, width=400))
    assert code == "size_mismatch"


@pytest.mark.parametrize("missing_box", ["reject", "keep"])
def test_a_box_that_is_only_stated_the_second_time_is_not_passed_over(missing_box: Any, tmp_path: Path):
    asked = (
        "Which? Please provide the bounding box coordinate of the region that can help you answer the "
        "question better."
    )
    rows = [{"image": ["1.png", "1.png###"], "conversations": said(asked, str(PADDED), "<image>", "Left.")}]
    paths = rows_of(tmp_path, rows, "rows.json")
    samples, [(code, _)] = checked(tmp_path, missing_box=missing_box, visual_cot_llava=paths)
    assert (samples, code) == ([], "missing_box")


def test_ids_made_from_the_content_tell_a_row_without_a_box_from_one_with(tmp_path: Path):
    rows = [{"image": "1.png", "question": "Which?", "box": box} for box in (None, [10, 10, 30, 30])]
    samples, rejects = checked(tmp_path, missing_box="keep", table=rows_of(tmp_path, rows))
    assert rejects == [] and len({sample["sample_id"] for sample in samples}) == 2


def test_a_red_box_cannot_be_looked_for_without_the_rows_own(tmp_path: Path):
    """What `ingest.missing_box` says of it: such a picture is kept."""
    found = zwz(tmp_path)
    pixels = imaging.decode((tmp_path / "images/1.png").read_bytes()).copy()
    pixels[20:24, 20:80] = pixels[60:64, 20:80] = pixels[20:64, 20:24] = pixels[20:64, 76:80] = (255, 0, 0)
    (tmp_path / "images/1.png").write_bytes(imaging.encode_png(pixels))
    assert len(checked(tmp_path, missing_box="keep", **found)[0]) == 1
