"""Every benchmark written in its published forms and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from published_files import picture, write_rows
from published_rows import FORMS, LINES, TEXT

from vzero import imaging
from vzero.answers import open_answers
from vzero.answers.extract import READERS
from vzero.benchmarks.catalogue import CATALOGUE
from vzero.config import BENCHMARKS, BenchmarkName, Crops
from vzero.errors import SourceError
from vzero.prompts.wordings import WORDINGS


@pytest.mark.parametrize("place", ["file", "folder"])
@pytest.mark.parametrize("form", FORMS)
def test_a_published_form_reads_back(form, place, read, tmp_path):
    name, file, row, expected = FORMS[form]
    path = write_rows(tmp_path / file, [row])
    items, rejects, _ = read(name, path if place == "file" else tmp_path)
    assert not rejects
    (item,) = items
    assert {key: item[key] for key in expected} == expected
    assert item["image"] == picture(0)
    assert item["benchmark"] == name


def test_every_published_benchmark_is_read_somewhere_above():
    assert {name for name, *_ in FORMS.values()} == set(get_args(BenchmarkName))


def test_the_names_in_params_are_those_of_the_catalogue():
    assert set(CATALOGUE) == {*BENCHMARKS, *get_args(BenchmarkName)}
    for name in BENCHMARKS:
        assert CATALOGUE[name].forms == ()


def test_every_benchmark_names_policies_that_there_are():
    for benchmark in CATALOGUE.values():
        assert benchmark.reader in READERS
        assert benchmark.open_reader in {None, *open_answers.READERS}
        assert benchmark.wording in WORDINGS


def vstar_folders(root: Path) -> Path:
    for number, category in enumerate(["direct_attributes", "direct_attributes", "relative_position"]):
        folder = root / category
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"sa_{number}.jpg").write_bytes(picture(number, "JPEG"))
        note = {"target_object": ["cup"], "bbox": [[4, 6, 10, 8]], "question": f"Question {number}?"}
        (folder / f"sa_{number}.json").write_text(
            json.dumps(note | {"options": ["right", "wrong", "bad", "no"]})
        )
    return root


def test_the_original_folders_of_vstar_have_boxes_and_an_order_that_does_not_favour_a(read, tmp_path):
    root = vstar_folders(tmp_path)
    items, rejects, _ = read("vstar", root)
    assert not rejects
    assert [item["item"] for item in items] == [
        "direct_attributes/sa_0",
        "direct_attributes/sa_1",
        "relative_position/sa_2",
    ]
    for item in items:
        assert item["options"]["ABCD".index(item["answer"])] == "right"
        assert sorted(item["options"]) == ["bad", "no", "right", "wrong"]
        assert item["evidence_box"] == [4.0, 6.0, 14.0, 14.0]
        assert item["crop_image"] is not None
    assert [item["options"] for item in read("vstar", root)[0]] == [item["options"] for item in items]


def test_crops_are_cut_from_the_boxes_as_those_of_training_are(read, tmp_path):
    root = vstar_folders(tmp_path)
    cut = Crops(margin=0, upscale=1, min_side=12, format="jpeg")
    for item in read("vstar", root, crops=cut)[0]:
        # The evidence is 10 wide and 8 high.
        assert imaging.probe(item["crop_image"]) == (12, 12, "jpeg")
        facts = item["pictures"][-1]
        assert (facts["role"], facts["width"], facts["height"]) == ("crop", 12, 12)


def test_the_drawn_order_puts_the_right_option_at_every_letter(read, tmp_path):
    folder = tmp_path / "direct_attributes"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.png").write_bytes(picture(0))
        note = {"bbox": [], "question": "Q?", "options": ["right", "b", "c", "d"]}
        (folder / f"{number}.json").write_text(json.dumps(note))
    answers = [item["answer"] for item in read("vstar", tmp_path)[0]]
    assert set(answers) == set("ABCD") and answers.count("A") < 30


def test_the_question_list_of_vstar_goes_before_its_folders_and_keeps_their_boxes(read, tmp_path):
    root = vstar_folders(tmp_path)
    line = {"image": "direct_attributes/sa_0.jpg", "text": LINES, "label": "B", "question_id": 0}
    (root / "test_questions.jsonl").write_text(json.dumps(line | {"category": "direct_attributes"}) + "\n")
    items, _, file = read("vstar", root)
    assert [(item["answer"], item["evidence_box"]) for item in items] == [("B", [4.0, 6.0, 14.0, 14.0])]
    assert file.notices == ["1 items, the published benchmark has 191"]


def test_rows_of_another_benchmark_in_the_file_are_left_out_and_counted(read, tmp_path):
    _, file, row, _ = FORMS["CV-Bench Parquet"]
    items, rejects, opened = read(
        "cv_bench_3d", write_rows(tmp_path / file, [row, row | {"type": "2D", "idx": 1}])
    )
    assert (len(items), rejects) == (1, [])
    assert "1 rows with another type than 3D are left out" in opened.notices


@pytest.mark.parametrize("place", ["question", "A"])
@pytest.mark.parametrize("mark", ["<image 2>", "<image 0>"])
def test_an_item_that_marks_an_image_it_lacks_is_a_reject(read, tmp_path, place, mark):
    _, file, row, _ = FORMS["MMMU TSV"]
    marked = row | {"index": 1, place: f"{row[place]} {mark}"}
    items, rejects, _ = read("mmmu", write_rows(tmp_path / file, [row, marked]))
    assert [item["item"] for item in items] == ["0"]
    assert [(reject.row, reject.code, reject.detail) for reject in rejects] == [
        (1, "image_marker", f"{mark} with 1 images")
    ]


def test_shards_are_read_together_and_another_split_beside_them_is_not(read, tmp_path):
    _, _, row, _ = FORMS["BLINK Parquet"]
    for number, folder in enumerate(["Jigsaw", "Counting"]):
        (tmp_path / folder).mkdir()
        write_rows(tmp_path / folder / "val-00000-of-00001.parquet", [row | {"idx": f"val_{number}"}])
        write_rows(tmp_path / folder / "test-00000-of-00001.parquet", [row | {"idx": f"test_{number}"}])
    assert [item["item"] for item in read("blink", tmp_path)[0]] == ["val_1", "val_0"]


def test_another_size_than_published_and_a_missing_cycle_are_told_not_refused(read, tmp_path):
    _, file, row, _ = FORMS["HR-Bench TSV"]
    del row["cycle_category"]
    items, _, opened = read("hrbench_4k", write_rows(tmp_path / file, [row | {"category": "other"}]))
    assert items[0]["cycle"] is None
    assert opened.notices == [
        "1 items, the published benchmark has 800",
        "no column cycle_category",
        "unknown categories: other",
    ]


def test_a_file_that_does_not_fit_is_refused_with_what_was_expected_and_found(read, tmp_path):
    path = write_rows(tmp_path / "a.tsv", [{"index": 0, "picture": TEXT, "question": "Q?"}])
    with pytest.raises(SourceError) as caught:
        read("vstar", path)
    assert str(caught.value) == (
        f"vstar: {path} does not fit; expected *.tsv with columns index, question, answer, A, B, image, "
        "category (found index, picture, question)"
    )
    (tmp_path / "b").mkdir()
    (tmp_path / "b/notes.txt").touch()
    with pytest.raises(SourceError, match=r"expected \*\.tsv, \*\.parquet, .*; found notes\.txt"):
        read("vstar", tmp_path / "b")
    with pytest.raises(SourceError, match="no such file or folder"):
        read("vstar", tmp_path / "nowhere")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(SourceError, match="not a readable Parquet file"):
        read("vstar", tmp_path / "c.parquet")
