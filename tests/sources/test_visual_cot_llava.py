"""Visual-CoT in LLaVA's form, whose rows say their box twice."""

import json
from pathlib import Path

import pytest

from tests.published_rows import IMAGES, picture, put, read
from vzero.config import Ingest, VisualCotLlavaSource

REQUEST = (
    " Please provide the bounding box coordinate of the region that can help you answer the question better."
)


def cot_row(name: str, pixels: str, padded: str, dataset: str = "gqa") -> dict:
    """As tools/convert_data_to_llava_format.py of the data set's repository writes it."""
    path = f"cot/{dataset}/{name}"
    return {
        "dataset": dataset,
        "split": "train",
        "question_id": 0,
        "image": [path, f"{path}###{pixels}"],
        "conversations": [
            {"from": "human", "value": f"<image>\nWhat is on the sign?{REQUEST}"},
            {"from": "gpt", "value": padded},
            {"from": "human", "value": "<image>"},
            {"from": "gpt", "value": "a goat"},
        ],
    }


def visual_cot_llava(root: Path, rows: list) -> Ingest:
    put(root, "cot/gqa/wide.png", picture((200, 100)))
    put(root, "cot/gqa/tall.png", picture((101, 200)))
    (root / "viscot.json").write_text(json.dumps(rows, indent=4))
    source = VisualCotLlavaSource(rows=Path("viscot.json"), images=IMAGES)
    return Ingest(source="visual_cot_llava", visual_cot_llava=source)


def test_visual_cot_llava_reads_the_box_behind_the_path(tmp_path):
    rows = [cot_row("wide.png", "[20, 10, 60, 40]", "[0.100, 0.300, 0.300, 0.450]")]
    [sample], rejects = read(visual_cot_llava(tmp_path, rows), tmp_path)
    assert (sample["question"], sample["answer"]) == ("What is on the sign?", "a goat")
    assert sample["boxes"] == [[20, 10, 60, 40]]
    assert (sample["category"], sample["licence"], rejects) == ("gqa", "CC BY 4.0", [])


@pytest.mark.parametrize(
    ("name", "padded", "box"),
    [
        # 200 x 100: 50 rows above. 101 x 200: 99 columns, 49 of them on the left.
        ("wide.png", "[0.100, 0.300, 0.300, 0.450]", [20, 10, 60, 40]),
        ("tall.png", "[0.345, 0.100, 0.545, 0.250]", [20, 20, 60, 50]),
    ],
)
def test_visual_cot_llava_undoes_the_padding_when_only_the_text_has_the_box(name, padded, box, tmp_path):
    row = cot_row(name, "", padded)
    row["image"] = [row["image"][0], row["image"][0]]
    [sample], _ = read(visual_cot_llava(tmp_path, [row]), tmp_path)
    assert sample["boxes"] == [pytest.approx(box)]


def test_visual_cot_llava_refuses_an_image_that_is_not_the_annotated_one(tmp_path):
    right = cot_row("wide.png", "[20, 10, 60, 40]", "[0.100, 0.300, 0.300, 0.450]")
    of_400_by_200 = cot_row("wide.png", "[40, 20, 120, 80]", "[0.100, 0.300, 0.300, 0.450]")
    unpadded = cot_row("wide.png", "[20, 10, 60, 40]", "[0.100, 0.100, 0.300, 0.400]")
    samples, rejects = read(visual_cot_llava(tmp_path, [right, of_400_by_200, unpadded]), tmp_path)
    assert (len(samples), rejects) == (1, [(1, "size_mismatch"), (2, "size_mismatch")])


def test_visual_cot_llava_rows_that_are_wrong_are_counted(tmp_path):
    good = cot_row("wide.png", "[20, 10, 60, 40]", "[0.100, 0.300, 0.300, 0.450]")
    unsized = cot_row("gone.png", "", "[0.100, 0.300, 0.300, 0.450]")
    unsized["image"] = unsized["image"][:1]
    other_data = {
        "image": "cot/gqa/wide.png",
        "conversations": [
            {"from": "human", "value": "<image>\nWhere is the sign? Answer with its box."},
            {"from": "gpt", "value": "[0.100, 0.300, 0.300, 0.450]"},
        ],
    }
    rows = [
        good,
        unsized,
        other_data,
        good | {"image": [good["image"][0], "cot/gqa/tall.png###[1, 2, 30, 40]"]},
        good | {"image": ["cot/gqa/wide.png", "cot/gqa/wide.png###[20, 10, 60]"]},
        good | {"conversations": "none"},
        good | {"image": None},
        ["a list"],
    ]
    samples, rejects = read(visual_cot_llava(tmp_path, rows), tmp_path)
    assert len(samples) == 1
    assert rejects == [
        (1, "missing_image"),
        (2, "missing_box"),
        (3, "missing_image"),
        (4, "bad_box"),
        (5, "missing_question"),
        (6, "missing_image"),
        (7, "malformed_row"),
    ]


def test_visual_cot_llava_file_that_ends_early_keeps_its_rows_and_counts_the_one_that_is_cut(tmp_path):
    rows = [cot_row("wide.png", f"[20, 10, {60 + n}, 40]", "none") for n in range(100)]
    config = visual_cot_llava(tmp_path, rows)
    path = tmp_path / "viscot.json"
    path.write_bytes(path.read_bytes()[:-100])
    samples, rejects = read(config, tmp_path)
    assert [sample["row"] for sample in samples] == list(range(99))
    assert rejects == [(99, "malformed_row")]
