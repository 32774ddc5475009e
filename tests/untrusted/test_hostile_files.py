"""Files made to break their readers: absurd rows cost only themselves, in bounded memory."""

from __future__ import annotations

import json
import os
import pickle
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vzero.benchmarks.files import open_files
from vzero.errors import SourceError
from vzero.untrusted import parquet
from vzero.untrusted.json_stream import DEEPEST, LONGEST_ITEM, MOST_MARKS, CutShortError, entries, list_items
from vzero.untrusted.rows import Row, read_rows

BEFORE, AFTER = {"a": 1}, {"a": 2}
MANY = b"[]," * (MOST_MARKS // 2)
FILLING = 2**26  # bytes; 64 times what a row may take


def read(path: Path, content: bytes) -> tuple[list[Row], int]:
    """The rows of a file with this content, and the bytes that reading took at most."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        return list(read_rows(path, [])), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": "' + b"x" * FILLING + b'"}', "more than 1,048,576 bytes"),
        (b'{"a": [' + MANY + b"0]}", "more than 200,000 brackets and commas"),
        (b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "more than 64 brackets inside each other"),
        (b"[" * 900 + b"]" * 900, "more than 64 brackets inside each other"),
    ],
    ids=["long", "many", "deep", "deep list"],
)
def test_an_absurd_jsonl_line_is_one_row_that_cannot_be_read(line, reason, tmp_path):
    found, peak = read(tmp_path / "x.jsonl", b'{"a": 1}\n' + line + b'\n{"a": 2}\n')
    assert found == [BEFORE, reason, AFTER]
    assert peak < 2**24


def test_the_deepest_jsonl_row_can_be_sent_to_another_process(tmp_path):
    brackets = DEEPEST - 1
    found, _ = read(
        tmp_path / "x.jsonl", b'{"a": "' + b"[" * 99 + b'", "b": ' + b"[" * brackets + b"]" * brackets + b"}"
    )
    assert isinstance(found[0], dict)
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_short_first_line_is_a_row_of_its_own(tmp_path):
    assert read(tmp_path / "x.jsonl", b'0\n{"a": 1}\n')[0] == ["not a JSON object but int", BEFORE]


@pytest.mark.parametrize(
    "cell",
    [b"x" * FILLING, b'"' + b"x" * 2**19 + b"\n" + b"y" * FILLING + b'"'],
    ids=["one line", "several lines"],
)
def test_an_absurd_csv_row_is_one_row_that_cannot_be_read(cell, tmp_path):
    found, peak = read(tmp_path / "x.csv", b"a,b\n1,1\n" + cell + b"\n2,2\n")
    assert found == [
        {"a": "1", "b": "1"},
        "not CSV: a row of more than 1,048,576 characters",
        {"a": "2", "b": "2"},
    ]
    assert peak < 2**25


def test_a_csv_row_of_many_short_lines_is_given_up(tmp_path):
    """Where it ends cannot be told any more, so what follows is read from the next line on."""
    found, _ = read(tmp_path / "x.csv", b"a,b\n1,1\n" + b'"\n",' * (LONGEST_ITEM // 4 + 9))
    assert found[1] == "not CSV: a row of more than 1,048,576 characters"


def test_a_csv_quote_that_is_never_closed_makes_no_row_of_the_rest(tmp_path):
    found, _ = read(tmp_path / "x.csv", b'a,b\n1,1\n1,"open\n2,2\n3,3\n')
    assert found == [{"a": "1", "b": "1"}, "not CSV: unexpected end of data"]


def test_a_csv_header_of_another_encoding_can_be_printed(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("image,q\na,b\n".encode("utf-16"))
    with pytest.raises(SourceError, match="no column 'image'") as caught:
        read_rows(path, ["image"])
    assert str(caught.value).encode()


# JSON lists


@pytest.mark.parametrize(
    "end", [b"", b",", b', {"a', b', {"a": tr', b', {"a": "\xc3', b', {"a": "\\', b', {"a": -']
)
def test_a_list_that_ends_too_early_keeps_its_rows_and_counts_one_unreadable(end, tmp_path):
    found, _ = read(tmp_path / "x.json", b'[{"a": 1}, {"a": 2}' + end)
    assert found[:2] == [BEFORE, AFTER]
    assert len(found) == 3 and "the file ends inside this row" in str(found[2])


def test_a_jsonl_file_that_ends_too_early_counts_the_same(tmp_path):
    found, _ = read(tmp_path / "x.jsonl", b'{"a": 1}\n{"a": 2}\n{"a')
    assert found[:2] == [BEFORE, AFTER]
    assert len(found) == 3 and isinstance(found[2], str)


@pytest.mark.parametrize("broken", [b'{"a" 1}', b'{"a": tru}', b"nothing", b"}"])
def test_a_list_broken_in_its_midst_is_an_error_because_rows_follow(broken, tmp_path):
    with pytest.raises(SourceError, match=r"x\.json: not readable JSON") as caught:
        read(tmp_path / "x.json", b'[{"a": 1}, ' + broken + b', {"a": 2}]')
    assert not isinstance(caught.value, CutShortError)


def test_a_list_that_must_be_whole_says_so_when_it_is_cut(tmp_path):
    """COCO's objects, for one: what is missing would make wrong questions."""
    (tmp_path / "x.json").write_bytes(b'{"images": [{"a": 1}, {"a"')
    with pytest.raises(CutShortError):
        list(list_items(tmp_path / "x.json", "images"))
    with pytest.raises(CutShortError):
        dict(entries(tmp_path / "x.json"))


@pytest.mark.parametrize(
    "item",
    [b'"' + b"x" * FILLING + b'"', b'"' + b"x, " * (FILLING // 3) + b'"', b"[" + MANY * 3 + b"0]"],
    ids=["text", "text with commas", "many"],
)
@pytest.mark.parametrize("key", ["", "images"])
def test_an_absurd_item_of_a_list_is_an_error_in_bounded_memory(item, key, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes((b'{"images": [' if key else b"[") + item + b"]" + (b"}" if key else b""))
    tracemalloc.start()
    with pytest.raises(SourceError, match="more than 1,048,576 bytes"):
        list(list_items(path, key))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**25


def test_many_items_together_may_be_as_long_as_they_like(tmp_path):
    items = [{"text": "x" * (LONGEST_ITEM // 4)}] * 12
    (tmp_path / "x.json").write_text(json.dumps(items))
    assert list(list_items(tmp_path / "x.json")) == items


def test_a_byte_order_mark_is_no_part_of_a_list(tmp_path):
    assert read(tmp_path / "x.json", b'\xef\xbb\xbf[{"a": 1}, {"a": 2}]')[0] == [BEFORE, AFTER]


# Parquet


def test_a_date_without_end_costs_only_its_row(tmp_path):
    dates = pa.array([0, 2**31 - 1, 0], pa.date32())
    pq.write_table(pa.table({"a": [1, 2, 3], "when": dates}), tmp_path / "x.parquet")
    found = list(read_rows(tmp_path / "x.parquet", ["a"]))
    assert [row["a"] for row in found if isinstance(row, dict)] == [1, 3]
    assert "a cell cannot be read" in str(found[1])


def test_a_parquet_cell_of_gigantic_text_is_one_row_that_cannot_be_read(tmp_path):
    pq.write_table(pa.table({"a": ["x", "x" * (LONGEST_ITEM + 1)]}), tmp_path / "x.parquet")
    assert list(read_rows(tmp_path / "x.parquet", ["a"])) == [
        {"a": "x"},
        "a cell of more than 1,048,576 characters",
    ]


def test_parquet_that_unpacks_to_absurdly_much_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "LARGEST_GROUP", 2**20)
    monkeypatch.setattr(parquet, "MOST_VALUES", 10**5)
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": ["x" * 2**22]}), path, compression="zstd", use_dictionary=False)
    with pytest.raises(SourceError, match="bytes that unpack to"):
        list(read_rows(path, []))
    pq.write_table(pa.table({"a": [[0] * 10**6]}), path)
    with pytest.raises(SourceError, match="1,000,000 values of a column"):
        list(read_rows(path, []))


def test_one_parquet_value_for_many_rows_is_unpacked_a_few_times_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "BATCH_BYTES", 2**22)
    one = pa.DictionaryArray.from_arrays(pa.array([0] * 100, pa.int32()), pa.array([b"x" * 2**20]))
    pq.write_table(pa.table({"a": one}), tmp_path / "x.parquet", compression="zstd")
    allocated = pa.total_allocated_bytes()
    peak = 0
    for row in read_rows(tmp_path / "x.parquet", []):
        assert isinstance(row, dict) and len(row["a"]) == 2**20
        peak = max(peak, pa.total_allocated_bytes() - allocated)
    assert peak < 2**24, "not a hundred million bytes"


@pytest.mark.parametrize(
    "read",
    [lambda path: read_rows(path, ["image"]), lambda path: open_files([path], "pandas").rows([])],
    ids=["training data", "benchmarks"],
)
def test_of_a_large_parquet_row_group_only_a_few_pages_are_held(read, tmp_path):
    """Images are published in row groups of gigabytes. Here a page of 16 MiB is 1 MiB."""
    images = [os.urandom(2**16) for _ in range(256)]
    pages = {"write_batch_size": 1, "data_page_size": 2**20, "use_dictionary": False}
    pq.write_table(pa.table({"image": images}), tmp_path / "x.parquet", **pages)
    allocated, peak = pa.total_allocated_bytes(), 0
    for row, image in zip(read(tmp_path / "x.parquet"), images, strict=True):
        assert row == {"image": image}
        peak = max(peak, pa.total_allocated_bytes() - allocated)
    assert peak < 2**23
