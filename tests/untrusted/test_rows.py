"""Rows of every kind of file; whole-file problems are clear errors."""

import json
import tracemalloc
from itertools import count

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vzero.errors import SourceError
from vzero.sources.annotation import Annotation, annotate_rows
from vzero.untrusted.rejects import Reject, RejectCode
from vzero.untrusted.rows import read_rows

ROWS = [{"image": "a.png", "question": 'Wie heißt "es",\nwas?'}, {"image": "b.png", "question": "b"}]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_every_kind_of_file_gives_the_same_rows(kind, tmp_path):
    path = tmp_path / f"rows.{kind}"
    frame = pl.DataFrame(ROWS)
    {"jsonl": frame.write_ndjson, "csv": frame.write_csv, "parquet": frame.write_parquet}[kind](path)
    assert list(read_rows(path, ["image", "question"])) == ROWS


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_missing_column_is_named_beside_those_found(kind, tmp_path):
    path = tmp_path / f"rows.{kind}"
    frame = pl.DataFrame(ROWS)
    {"jsonl": frame.write_ndjson, "csv": frame.write_csv, "parquet": frame.write_parquet}[kind](path)
    with pytest.raises(SourceError, match=r"no column 'box'; it has: image, question"):
        read_rows(path, ["image", "box"])


def test_a_jsonl_key_may_be_left_out_of_some_rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"image": "a"}\n{"image": "b", "box": [1]}\n')
    assert list(read_rows(path, ["image", "box"])) == [{"image": "a"}, {"image": "b", "box": [1]}]


def test_a_missing_file_and_an_unknown_kind_are_errors(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        read_rows(tmp_path / "absent.jsonl", [])
    (tmp_path / "rows.xlsx").touch()
    with pytest.raises(SourceError, match=r"unknown kind of table; allowed: \.jsonl"):
        read_rows(tmp_path / "rows.xlsx", [])


def test_a_file_that_is_no_parquet_is_an_error(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(SourceError, match="not a readable Parquet file"):
        list(read_rows(path, []))


def test_broken_csv_rows_are_told_apart(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"image,question\na.png,one\nb.png\nc.png,x,y\nd.png,\xff\ne.png,\nf.png,six\n")
    rows = list(read_rows(path, ["image"]))
    assert rows[0] == {"image": "a.png", "question": "one"}
    assert rows[1] == rows[2] == "not as many cells as the header has columns"
    assert rows[3] == "not UTF-8"
    assert rows[4:] == [{"image": "e.png", "question": None}, {"image": "f.png", "question": "six"}]


def test_a_csv_header_must_name_every_column_once(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("image,image\na,b\n")
    with pytest.raises(SourceError, match="of the same name"):
        list(read_rows(path, []))


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path):
    for name, text in {"rows.jsonl": '{"image": "a"}\n', "rows.csv": "image\na\n"}.items():
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert list(read_rows(tmp_path / name, ["image"])) == [{"image": "a"}]


def test_one_unreadable_parquet_cell_costs_one_row(tmp_path):
    lengths = pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0")
    broken = pa.StringArray.from_buffers(3, lengths, pa.py_buffer(b"a\xffc"))
    pq.write_table(pa.table({"question": broken}), tmp_path / "rows.parquet")
    first, second, third = read_rows(tmp_path / "rows.parquet", ["question"])
    assert (first, third) == ({"question": "a"}, {"question": "c"})
    assert isinstance(second, str)


def test_rows_are_read_only_as_far_as_they_are_asked_for(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(1000)))
    rows = read_rows(path, ["n"])
    assert [next(rows)["n"] for _ in range(300)] == list(range(300))


@pytest.mark.parametrize("text", [json.dumps(ROWS), json.dumps(ROWS, indent=4), "\n \n" + json.dumps(ROWS)])
def test_a_json_file_may_be_one_list_of_rows(text, tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(text)
    assert list(read_rows(path, ["image", "question"])) == ROWS


def test_a_json_file_may_hold_a_row_a_line(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    assert list(read_rows(path, ["image", "question"])) == ROWS


def test_what_is_no_object_in_a_json_list_spoils_no_other_row(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([ROWS[0], [1, {}], None, ROWS[1]]))
    first, nested, null, last = read_rows(path, ["image"])
    assert [first, last] == ROWS
    assert (nested, null) == ("not a JSON object but list", "not a JSON object but NoneType")


def test_a_json_list_is_read_without_holding_it_in_memory(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(
        json.dumps([{"image": f"{number}.png", "question": "?" * 2000} for number in range(4000)])
    )
    rows = read_rows(path, ["image", "question"])
    tracemalloc.start()
    read = sum(1 for _ in rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == 4000
    assert peak < path.stat().st_size / 8


def test_a_row_that_cannot_be_read_is_a_reject_at_its_place_and_files_are_counted_on():
    def annotate(number, row):
        return Annotation(number, row["image"], None, None)

    numbers = count()
    first = list(annotate_rows(iter([{"image": "a"}, "not JSON"]), annotate, numbers))
    second = list(annotate_rows(iter([{"image": "b"}]), annotate, numbers))
    broken = Reject(1, RejectCode.MALFORMED_ROW, "not JSON")
    assert first == [Annotation(0, "a", None, None), broken]
    assert second == [Annotation(2, "b", None, None)]
    assert next(annotate_rows(iter(["not JSON"]), annotate)).row == 0
