"""Conversations with boxes in the text: every way to write them, on whatever picture they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checked_source import checked, picture
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from vzero.config import ChatsSource, Resized
from vzero.sources.resizing import resized

ASKED = "<image>\nWhere is the cup?"
CUP = (20, 30, 60, 70)


def shared(answer: str, question: str = ASKED) -> dict[str, Any]:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"image": "a.png", "conversations": turns}


def chats(root: Path, *rows: Any, **changes: Any) -> ChatsSource:
    picture(root / "images/a.png")
    (root / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return ChatsSource(rows=Path("rows.jsonl"), images=Path("images"), **changes)


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        # As Qwen2-VL's, Qwen-VL's, TreeVGR-SFT's and Qwen2.5-VL's documentation writes them (unverified).
        ("<|object_ref_start|>the cup<|object_ref_end|><|box_start|>(20,30),(60,70)<|box_end|>", "the cup"),
        ("<ref>the cup</ref><box>(20, 30), (60, 70)</box>", "the cup"),
        ("It is here <box>[20, 30, 60, 70]</box>, on the left.", "It is here , on the left."),
        ('```json\n[\n\t{"bbox_2d": [20, 30, 60, 70], "label": "cup"}\n]\n```', None),
        ('{"bbox_2d": [20, 30, 60, 70]}', None),
        ("<box>[20.0,30.0,60.0,70.0]</box>", None),
    ],
)
def test_boxes_are_taken_out_of_the_answer(answer: str, left: str | None, tmp_path: Path):
    [row], rejects = checked(tmp_path, chats=chats(tmp_path, shared(answer)))
    assert (row["question"], row["answer"], rejects) == ("Where is the cup?", left, [])
    assert row["boxes"] == [list(CUP)]


def test_messages_in_parts_and_several_boxes(tmp_path: Path):
    parts = [{"type": "image", "image": "a.png"}, {"type": "text", "text": "Where are they?"}]
    said = "<|box_start|>(20,30),(60,70)<|box_end|><|box_start|>(100,10),(180,90)<|box_end|>"
    turns = [{"role": "system", "content": "Help."}, {"role": "user", "content": parts}]
    turns.append({"role": "assistant", "content": said})
    [row], _ = checked(tmp_path, chats=chats(tmp_path, {"images": ["a.png"], "messages": turns}))
    assert (row["question"], row["boxes"]) == ("Where are they?", [list(CUP), [100, 10, 180, 90]])


@pytest.mark.parametrize(
    ("unit", "answer"),
    [
        ("thousandth", "<|box_start|>(100,300),(300,700)<|box_end|>"),
        ("fraction", "<box>[0.1, 0.3, 0.3, 0.7]</box>"),
        # 200 x 100 pixels become 196 x 112.
        ("resized", '[{"bbox_2d": [19.6, 33.6, 58.8, 78.4]}]'),
    ],
)
def test_boxes_on_another_grid(unit: str, answer: str, tmp_path: Path):
    [row], _ = checked(tmp_path, chats=chats(tmp_path, shared(answer), box_unit=unit))
    assert row["boxes"] == [pytest.approx(CUP, abs=1e-4)]


def test_rows_that_ask_nothing_or_show_nothing_are_rejects(tmp_path: Path):
    rows = [
        shared("A cup.", "<image>What is in <box>(20,30),(60,70)</box>?"),
        shared("On the left."),
        shared("<box>(20,30),(60,70)</box>") | {"image": "gone.png"},
        {"image": "a.png", "conversations": "none"},
    ]
    samples, rejects = checked(tmp_path, chats=chats(tmp_path, shared("<box>(20,30),(60,70)</box>"), *rows))
    assert len(samples) == 1
    assert [code for code, _ in rejects] == [
        "missing_question",
        "missing_box",
        "missing_image",
        "missing_question",
    ]


@given(st.integers(28, 5000), st.integers(28, 5000), st.sampled_from([28, 32]))
def test_a_picture_is_resized_as_the_library_does(width: int, height: int, multiple: int):
    bounds = Resized(multiple=multiple, min_pixels=56 * 56, max_pixels=1_003_520)
    expected = smart_resize(height, width, multiple, 56 * 56, 1_003_520)
    assert resized((width, height), bounds)[::-1] == expected
