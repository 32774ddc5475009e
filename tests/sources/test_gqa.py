"""GQA: from files in their published form to checked rows, and hostile files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checked_source import checked, picture

from tests.checked_tables import check_and_merge
from vzero.config import GqaSource, Ingest
from vzero.paths import Paths
from vzero.sources.catalogue import open_source


def gqa(root: Path, questions: Any, graphs: Any) -> GqaSource:
    picture(root / "images/2407890.jpg")
    for name, content in (("questions", questions), ("graphs", graphs)):
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        (root / f"{name}.json").write_bytes(text)
    return GqaSource(
        questions=Path("questions.json"), scene_graphs=Path("graphs.json"), images=Path("images")
    )


GRAPH = {
    "2407890": {
        "width": 200,
        "height": 100,
        "location": "living room",
        "objects": {
            "271881": {
                "name": "chair",
                "x": 120,
                "y": 10,
                "w": 50,
                "h": 80,
                "attributes": ["brown"],
                "relations": [{"name": "left of", "object": "279472"}],
            },
            "279472": {
                "name": "table",
                "x": 10,
                "y": 20,
                "w": 30,
                "h": 15,
                "attributes": [],
                "relations": [],
            },
            "broken": {"name": "lamp", "x": 1},
        },
    }
}


def question(*arguments: Any, image: Any = "2407890", **changes: Any) -> dict[str, Any]:
    steps = [{"operation": "select", "argument": argument, "dependencies": []} for argument in arguments]
    asked = {"imageId": image, "question": "What is left of the chair?", "answer": "table"}
    return asked | {"semantic": steps, "types": {"detailed": "relO"}} | changes


def test_gqa_boxes_are_those_of_all_objects_that_the_steps_name(tmp_path):
    steps = ("chair (271881)", "table,to the left of,s (279472)", "chair (271881)", "name")
    source = gqa(tmp_path, {"05515938": question(*steps)}, GRAPH)
    [row], rejects = checked(tmp_path, gqa=source)
    assert rejects == []
    assert row["boxes"] == [[120, 10, 170, 90], [10, 20, 40, 35]]
    assert row["evidence_box"] == [10, 10, 170, 90]
    assert (row["sample_id"], row["answer"], row["category"]) == ("05515938", "table", "relO")
    assert row["licence"] == "CC BY 4.0"


def test_gqa_rejects_name_their_image_and_say_what_is_not_there(tmp_path):
    config = Ingest(gqa=gqa(tmp_path, {"a": question("dog (-)"), "b": [1]}, GRAPH))
    opened = open_source("gqa", config, Paths(tmp_path))
    _, _, rejects = check_and_merge(opened, config, tmp_path / "checked")
    assert rejects.select("image", "code", "detail").rows() == [
        ("2407890.jpg", "missing_box", "it asks for an object that is not in the picture"),
        (None, "malformed_row", "not a question but list"),
    ]


def test_gqa_every_malformed_question_has_its_code_and_spoils_no_other(tmp_path):
    kinds = {
        "scene": (question("scene", "indoors"), "missing_box"),
        "absent": (question("dog (-)", "table (279472)"), "missing_box"),
        "unknown": (question("dog (1)"), "missing_box"),
        "no box": (question("lamp (broken)"), "missing_box"),
        "no steps": (question(semantic="select"), "missing_box"),
        "strange steps": (question(7, None, ["x"]), "missing_box"),
        "no graph": (question("chair (271881)", image="1"), "missing_box"),
        "image number": (question("chair (271881)", image=2407890), "missing_image"),
        "list": ([1], "malformed_row"),
        "no question": (question("chair (271881)", question=None), "missing_question"),
        "answer list": (question("chair (271881)", answer=["x"]), "bad_answer"),
    }
    questions = {"good": question("chair (271881)")} | {name: row for name, (row, _) in kinds.items()}
    samples, rejects = checked(tmp_path, gqa=gqa(tmp_path, questions, GRAPH))
    assert [sample["sample_id"] for sample in samples] == ["good"]
    assert [code for code, _ in rejects] == [code for _, code in kinds.values()]


@pytest.mark.parametrize("box", ['"x": NaN', '"x": -Infinity', '"x": "12"', '"x": null', '"x": [[1]]'])
def test_gqa_a_box_that_is_none_rejects_its_question_only(box, tmp_path):
    graphs = json.dumps(GRAPH).replace('"x": 120', box).encode()
    questions = {"bad": question("chair (271881)"), "good": question("table (279472)")}
    samples, rejects = checked(tmp_path, gqa=gqa(tmp_path, questions, graphs))
    assert [sample["sample_id"] for sample in samples] == ["good"]
    assert [code for code, _ in rejects] == ["bad_box"]


def test_gqa_refuses_boxes_drawn_on_another_size(tmp_path):
    graphs = {"2407890": GRAPH["2407890"] | {"width": 400}}
    _, rejects = checked(tmp_path, gqa=gqa(tmp_path, {"q": question("chair (271881)")}, graphs))
    assert [code for code, _ in rejects] == ["size_mismatch"]
