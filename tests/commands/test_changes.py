"""What came, went and changed between two versions of a table."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from vzero.commands.changes import changes


def written(path: Path, **columns: list | pl.Series) -> Path:
    pl.DataFrame(columns).write_parquet(path)
    return path


def test_rows_come_go_and_change_wherever_they_lie(tmp_path: Path):
    old = [
        written(tmp_path / "0", id=["a", "b"], picture=[b"1", None], boxes=[[[1.0]], [[2.0]]]),
        written(tmp_path / "1", id=["c", "d"], picture=[b"3", b"4"], boxes=[[[3.0]], [[4.0]]]),
    ]
    new = [
        written(
            tmp_path / "2", id=["d", "b", "e", "a"], picture=[b"4", b"2", b"5", b"1"], boxes=[[[5.0]]] * 4
        )
    ]
    found = changes(old, new, ["id"], {})
    assert found.rows() == [
        ("a", "changed", ["boxes"]),
        ("b", "changed", ["boxes", "picture"]),
        ("c", "went", []),
        ("d", "changed", ["boxes"]),
        ("e", "came", []),
    ]


def test_the_same_rows_in_other_files_are_no_difference(tmp_path: Path):
    old = [written(tmp_path / "0", id=["a", "b"], x=[1, None])]
    new = [written(tmp_path / "1", id=["b"], x=[None]), written(tmp_path / "2", id=["a"], x=[1])]
    assert changes(old, new, ["id"], {}).is_empty()


def test_a_new_column_differs_in_every_row(tmp_path: Path):
    old = [written(tmp_path / "0", id=["a"], x=[1])]
    new = [written(tmp_path / "1", id=["a"], x=[1], y=[2])]
    assert changes(old, new, ["id"], {}).rows() == [("a", "changed", ["y"])]


def test_a_new_column_is_no_difference_where_its_absence_means_the_same(tmp_path: Path):
    absent = {"y": pl.lit([], pl.List(pl.String))}
    old = [written(tmp_path / "0", id=["a", "b"], x=[1, 2])]
    new = [written(tmp_path / "1", id=["a", "b"], x=[1, 3], y=pl.Series([[], []], dtype=pl.List(pl.String)))]
    assert changes(old, new, ["id"], absent).rows() == [("b", "changed", ["x"])]
    other = [written(tmp_path / "2", id=["a", "b"], x=[1, 2], y=[["more"], []])]
    assert changes(old, other, ["id"], absent).rows() == [("a", "changed", ["y"])]


def test_a_value_that_is_null_on_one_side_is_a_difference(tmp_path: Path):
    old = [written(tmp_path / "0", id=["a", "b"], box=[[1.0, 2.0], None])]
    new = [written(tmp_path / "1", id=["a", "b"], box=pl.Series([None, None], dtype=pl.List(pl.Float64)))]
    assert changes(old, new, ["id"], {}).rows() == [("a", "changed", ["box"])]


@pytest.mark.parametrize(("before", "after", "change"), [(1, 0, "went"), (0, 1, "came")])
def test_one_side_may_have_no_files_left_to_read(tmp_path: Path, before: int, after: int, change: str):
    file = written(tmp_path / "0", source=["s"], row=[7], detail=["why"])
    found = changes([file] * before, [file] * after, ["source", "row"], {})
    assert found.rows() == [("s", 7, change, [])]


def test_nothing_to_read_is_nothing_changed():
    assert changes([], [], ["id"], {}).is_empty()
