"""The figures of the data, from tables small enough to count by hand."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.quality.counting import levels, ranges
from vzero.quality.figures import shares
from vzero.quality.measures import GRID, _letters, enlargement, evidence


def counts(frame: pl.DataFrame) -> list[tuple[str, int]]:
    return frame.sort("position").select("level", "count").rows()


def test_ranges_hold_their_lower_end_and_count_what_is_empty_too():
    frame = pl.DataFrame({"source": ["a"] * 5, "value": [0.0, 1.0, 1.5, 9.0, None]})
    counted = ranges(frame, "x", pl.col("value"), [1.0, 2.0, 4.0])
    assert counts(counted) == [("1 to 2", 3), ("2 to 4", 0), ("from 4", 1)]
    assert counted["low"].to_list() == [1, 2, 4] and counted["high"].to_list() == [2, 4, None]


def test_a_range_of_one_whole_number_is_called_by_it():
    frame = pl.DataFrame({"source": ["a", "a"], "value": [2, 7]})
    assert counts(ranges(frame, "x", pl.col("value"), [1, 2, 3, 5])) == [
        ("1", 0),
        ("2", 1),
        ("3 to 5", 0),
        ("from 5", 1),
    ]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(-5, 50)), min_size=1))
def test_every_row_is_in_one_range_of_its_source(rows: list[tuple[str, float]]):
    frame = pl.DataFrame(rows, schema={"source": pl.String, "value": pl.Float64}, orient="row")
    totals = ranges(frame, "x", pl.col("value"), [0, 1, 10]).group_by("source").agg(pl.col("count").sum())
    assert dict(totals.rows()) == dict(frame.group_by("source").len().rows())


def test_levels_are_counted_by_source_the_commonest_first():
    frame = pl.DataFrame({"source": ["a", "a", "a", "b"], "code": ["x", "y", "y", "x"]})
    counted = levels(frame, "reject", pl.col("code"))
    assert counted.select("source", "level", "position", "count").rows() == [
        ("a", "y", 0, 2),
        ("a", "x", 1, 1),
        ("b", "x", 0, 1),
    ]


def test_every_letter_that_is_offered_has_its_place_also_one_that_is_never_right():
    options = [["x", "y"], ["x", "y"], ["x", "y", "z", "w"], ["x", "y", "z", "w"]]
    choices = pl.DataFrame({"source": ["a", "a", "b", "b"], "options": options, "answer": [*"BBCA"]})
    counted = _letters(choices).sort("source", "position")
    assert counted.select("source", "level", "count").rows() == [
        ("a", "A", 0),
        ("a", "B", 2),
        ("b", "A", 1),
        ("b", "B", 0),
        ("b", "C", 1),
        ("b", "D", 0),
    ]
    assert shares(counted, "answer_letter")["level"].to_list() == [*"ABABCD"]


def test_area_aspect_and_place_of_the_evidence():
    # A box of 40 x 20 around (160, 30), in an image of 200 x 100.
    samples = pl.DataFrame({"evidence_box": [[140.0, 20.0, 180.0, 40.0]], "width": [200], "height": [100]})
    row = evidence(samples).row(0, named=True)
    assert row["area"] == pytest.approx(800 / 20_000)
    assert row["aspect"] == pytest.approx(2)
    assert (row["column"], row["row"]) == (int(0.8 * GRID), int(0.3 * GRID))


def test_a_centre_on_the_far_edge_is_in_the_last_cell():
    samples = pl.DataFrame({"evidence_box": [[10.0, 10.0, 10.0, 10.0]], "width": [10], "height": [10]})
    assert evidence(samples).select("column", "row").row(0) == (GRID - 1, GRID - 1)


def test_a_negative_is_enlarged_times_the_positive_whichever_rule_cut_it():
    """Windows of 40 pixels for positives enlarged twice."""
    rows = [
        ("half_resolution", "exact", 2 * 40 / 80, 1.0),
        ("half_resolution", "shrunk", 2 * 40 / 40, 2.0),  # 20 pixels of the half grid
        ("half_resolution", "finer", 2 * 40 / 60, 1.0),  # 60 of the image, reduced
        ("half_resolution", "finer", 2 * 40 / 25, 1.6),
        ("half_resolution", "other_image", 2 * 40 / 80, 1.0),
        ("half_resolution", "other_image", 2 * 40 / 32, 1.25),
        ("same_resolution", "exact", 2.0, 1.0),
        ("same_resolution", "shrunk", 2 * 40 / 20, 2.0),
        ("blank", "exact", None, None),
        ("half_resolution", "none", None, None),
    ]
    names = ["strategy", "fallback", "negative_scale", "expected"]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(positive_scale=2.0)
    found = frame.select(enlargement().alias("found"))["found"]
    assert found.to_list() == pytest.approx(frame["expected"].to_list())
