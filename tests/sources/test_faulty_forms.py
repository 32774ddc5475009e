"""Forms that users hold and that were refused or read wrongly, each by its kind."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from checked_source import checked, picture

from vzero.config import TableSource
from vzero.config.table_source import TableColumns

ASKED = {"question": "Which line is highest?", "label": "B"}


def rows_of(root: Path, rows: list[dict]) -> Path:
    picture(root / "images/a.png")
    (root / "rows.jsonl").write_text("".join(json.dumps({"image": "a.png"} | row) + "\n" for row in rows))
    return Path("rows.jsonl")


def test_four_columns_of_a_table_are_a_box(tmp_path):
    picture(tmp_path / "images/a.png")
    (tmp_path / "labels.csv").write_text(
        "filename,width,height,class,xmin,ymin,xmax,ymax\n"
        "a.png,200,100,Where is the cup?,20,30,120.5,90\n"
        "a.png,200,100,Where is it?,,,,\n"
        "a.png,200,100,Where is that?,20,30,wide,90\n"
    )
    columns = TableColumns(image="filename", question="class", box=["xmin", "ymin", "xmax", "ymax"])
    table = TableSource(rows=Path("labels.csv"), images=Path("images"), columns=columns)
    rows, rejects = checked(tmp_path, table=table)
    assert [row["boxes"] for row in rows] == [[[20, 30, 120.5, 90]]]
    assert [code for code, _ in rejects] == ["missing_box", "bad_box"]


def test_objects_of_hugging_face_rows_are_boxes(tmp_path):
    picture(tmp_path / "a.png")
    row = {
        "image": {"bytes": (tmp_path / "a.png").read_bytes(), "path": None},
        "question": "What is it?",
        "objects": {"id": [1, 2], "bbox": [[20.0, 30.0, 50.0, 40.0], [100, 10, 60, 60]], "category": [0, 1]},
    }
    pl.DataFrame([row], strict=False).write_parquet(tmp_path / "train.parquet")
    table = TableSource(
        rows=Path("train.parquet"), images=None, columns=TableColumns(box="objects"), box_order="xywh"
    )
    [row], rejects = checked(tmp_path, table=table)
    assert (row["boxes"], rejects) == ([[20, 30, 70, 70], [100, 10, 160, 70]], [])


@pytest.mark.parametrize(
    ("options", "read"),
    [
        (["A. red", "B. blue"], ["red", "blue"]),
        (["(A) red", "(B) blue"], ["red", "blue"]),
        (["A) red", "B: blue"], ["red", "blue"]),
        # No letters: not one an option, not in order, or with nothing behind them.
        (["A. red", "blue"], ["A. red", "blue"]),
        (["B. red", "A. blue"], ["B. red", "A. blue"]),
        (["A.", "B."], ["A.", "B."]),
    ],
)
def test_letters_before_options_are_taken_off_once(options: list[str], read: list[str], tmp_path):
    rows = rows_of(tmp_path, [ASKED | {"box": [20, 30, 120, 90], "options": options}])
    columns = TableColumns(options="options", answer="label")
    table = TableSource(rows=rows, images=Path("images"), columns=columns)
    [row], _ = checked(tmp_path, table=table)
    assert (row["options"], row["answer"]) == (read, "B")


def test_an_answer_may_be_its_option_with_the_letter(tmp_path):
    asked = {"box": [20, 30, 120, 90], "options": ["A. red", "B. blue"]}
    rows = rows_of(tmp_path, [ASKED | asked | {"label": "B. blue"}, ASKED | asked | {"label": "A. blue"}])
    columns = TableColumns(options="options", answer="label")
    table = TableSource(rows=rows, images=Path("images"), columns=columns)
    [row], rejects = checked(tmp_path, table=table)
    assert row["answer"] == "B"
    assert [code for code, _ in rejects] == ["answer_not_in_options"]
