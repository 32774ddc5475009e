"""VLMEvalKit's TSV files: base64 images in three ways, and what pandas makes of the texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_files import base64_of, picture, write_tsv

from vzero.benchmarks.tsv import read_tsv_rows
from vzero.errors import SourceError


def row(index: Any = 0, **cells: Any) -> dict[str, Any]:
    start = {"index": index, "image": base64_of(picture(0)), "question": "What is it?"}
    return (
        start
        | {"A": "red", "B": "blue", "C": "green", "D": "black", "answer": "A", "category": "single"}
        | cells
    )


def options(read, folder: Path, reader: str, *cells: Any) -> list[list[str | None]]:
    """Options of rows that differ in A, read back."""
    rows = [row(number, A=cell, cycle_category=0) for number, cell in enumerate(cells)]
    items, rejects, _ = read("hrbench_4k", write_tsv(folder / "a.tsv", rows), reader)
    assert not rejects
    return [item["options"][0] for item in items]


@pytest.mark.parametrize("text", ["None", "NA", "N/A", "n/a", "null", "nan", "-nan", "<NA>", "#N/A", ""])
def test_texts_that_pandas_reads_as_missing_vanish_or_stay(text, read, tmp_path):
    assert options(read, tmp_path, "pandas", text, "red") == [None, "red"]
    assert options(read, tmp_path, "keep", text, "red") == [text or None, "red"]


@pytest.mark.parametrize(
    ("cells", "in_pandas"),
    [
        (("01", "2"), ["1", "2"]),
        (("7", ""), ["7.0", None]),
        (("1e3", "2"), ["1000.0", "2.0"]),
        (("2.50", "3.25"), ["2.5", "3.25"]),
        (("01", "red"), ["01", "red"]),
        (("inf", "red"), ["inf", "red"]),
        (("TRUE", "False"), ["True", "False"]),
        (('say "so"', "two\nlines"), ['say "so"', "two\nlines"]),
        ((" red ", "blue"), [" red ", "blue"]),
    ],
)
def test_numbers_are_as_pandas_or_as_the_file_writes_them(cells, in_pandas, read, tmp_path):
    assert options(read, tmp_path, "pandas", *cells) == in_pandas
    assert options(read, tmp_path, "keep", *cells) == [cell or None for cell in cells]


@settings(max_examples=30)
@given(
    st.lists(
        st.sampled_from(["None", "01", "7", "1e3", "a", " b", "NA", "2.50", "True", ""]),
        min_size=1,
        max_size=4,
    )
)
def test_pandas_mode_agrees_with_pandas_itself(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("any") / "a.tsv"
    write_tsv(path, [row(number, A=cell) for number, cell in enumerate(cells)])
    expected = [None if pd.isna(cell) else str(cell) for cell in pd.read_csv(path, sep="\t")["A"]]
    found = [
        None if cells["A"] is None else str(cells["A"]) for cells in read_tsv_rows(path, ["image"], "pandas")
    ]
    assert found == expected


def test_a_vanished_option_keeps_the_letters_of_the_others_and_its_own_if_it_is_right(read, tmp_path):
    rows = [row(0, B="None", answer="C"), row(1, D="None", answer="D"), row(2, C=None, D=None, answer="B")]
    items, rejects, _ = read("vstar", write_tsv(tmp_path / "a.tsv", rows))
    assert not rejects
    assert [item["options"] for item in items] == [
        ["red", None, "green", "black"],
        ["red", "blue", "green", None],
        ["red", "blue"],
    ]
    assert [item["answer"] for item in items] == ["C", "D", "B"]


def test_an_image_cell_is_one_image_a_list_or_the_index_of_another_row(read, tmp_path):
    two = [base64_of(picture(1)), base64_of(picture(2))]
    rows = [
        row(0, image="2"),
        row(1, image=repr(two)),
        row(2, image=base64_of(picture(3))),
        row(3, image="1"),
        row(4, image="99"),
        row(5, image=None),
    ]
    items, rejects, _ = read("vstar", write_tsv(tmp_path / "a.tsv", rows))
    shown = {item["item"]: [item["image"], *item["more_images"]] for item in items}
    pair = [picture(1), picture(2)]
    assert shown == {"0": [picture(3)], "1": pair, "2": [picture(3)], "3": pair}
    assert [(reject.row, reject.code) for reject in rejects] == [
        (4, "unreadable_image"),
        (5, "missing_image"),
    ]


def test_more_rows_than_are_held_at_once_keep_their_order_and_images(read, tmp_path):
    rows = [row(number, image=base64_of(picture(number % 7))) for number in range(70)]
    items, _, _ = read("vstar", write_tsv(tmp_path / "a.tsv", rows))
    assert [item["item"] for item in items] == [str(number) for number in range(70)]
    assert all(item["image"] == picture(number % 7) for number, item in enumerate(items))


@pytest.mark.parametrize("content", [b"", b"index\timage\n1\t2\t3\n4\t5\t6\t7\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_table_is_refused_by_name(content, read, tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.tsv"):
        read("vstar", path)
