"""Hits and accuracies, worked by hand."""

from __future__ import annotations

import polars as pl
import pytest

from vzero.evaluate.score import grade, score
from vzero.evaluate.statistics import wilson_interval
from vzero.tables import Scores

SETTINGS = {"resamples": 200, "confidence": 0.95, "seed": 0}


def predictions(rows: list[tuple[str, str, int | None, bool]], **columns: object) -> pl.DataFrame:
    """Rows of (group, category, cycle, hit) with the other columns of the predictions table filled in."""
    fixed = {"model": "base", "benchmark": "cyclic", "view": "full", "policy": "vlmevalkit-exact", **columns}
    frame = pl.DataFrame(rows, schema=["group", "category", "cycle", "hit"], orient="row")
    return frame.with_columns(
        item=pl.format("{}-{}", pl.int_range(pl.len()), pl.col("group")),
        cycle=pl.col("cycle").cast(pl.Int32),
        extracted=pl.lit("A"),
        **{name: pl.lit(value) for name, value in fixed.items()},
    )


def accuracies(table: pl.DataFrame) -> dict[str, float]:
    return dict(zip(table["category"], table["accuracy"], strict=True))


def test_grading_reads_the_letter_and_counts_what_it_cannot_read_as_wrong():
    graded = grade(
        pl.DataFrame(
            {
                "text": ["It is K. Answer: B", "Answer: A", "no idea", "Cannot determine the answer"],
                "options": [["P", "K"]] * 4,
                "answer": ["B", "B", "B", "B"],
            }
        ),
        "vlmevalkit-exact",
    )
    assert graded["extracted"].to_list() == ["B", "A", None, "Z"]
    assert graded["rule"].to_list() == ["letter", "letter", "unresolved", "refusal"]
    assert graded["hit"].to_list() == [True, False, False, False]


def test_the_whole_and_every_category_get_a_row_with_wilsons_interval():
    rows = [("i1", "letter", None, True), ("i2", "letter", None, False), ("i3", "side", None, True)]
    table = score(predictions(rows, benchmark="search"), **SETTINGS)
    Scores.validate(table)
    assert accuracies(table) == {"all": pytest.approx(2 / 3), "letter": 0.5, "side": 1.0}
    assert dict(zip(table["category"], table["n"], strict=True)) == {"all": 3, "letter": 2, "side": 1}
    whole = table.row(by_predicate=pl.col("category") == "all", named=True)
    expected = wilson_interval(2, 3, confidence=0.95)
    assert (whole["low"], whole["high"]) == (expected.low, expected.high)


def test_the_unresolved_share_counts_unread_replies_not_refusals():
    rows = [("i1", "letter", None, False)] * 4
    frame = predictions(rows).with_columns(extracted=pl.Series(["A", "Z", None, None]))
    assert score(frame, **SETTINGS)["unresolved"].to_list() == [0.5, 0.5]


def test_complete_cyclic_data_scores_the_plain_mean():
    hits = [True, False, True, True, False, False, True, False]
    rows = [(f"q{index // 4}", "single", index % 4, hit) for index, hit in enumerate(hits)]
    assert accuracies(score(predictions(rows), **SETTINGS)) == {"all": 0.5, "single": 0.5}


def test_cyclic_scores_are_the_mean_over_cycles_of_each_cycles_mean():
    rows = [
        ("q1", "single", 0, True),
        ("q2", "single", 0, True),
        ("q3", "cross", 0, False),
        ("q1", "single", 1, True),
        ("q3", "cross", 1, False),
    ]
    # Whole: (2/3 + 1/2) / 2. Single: (1 + 1) / 2. Cross: (0 + 0) / 2. The plain mean would be 3/5.
    expected = {"all": pytest.approx(7 / 12), "single": 1.0, "cross": 0.0}
    assert accuracies(score(predictions(rows), **SETTINGS)) == expected


def test_a_category_missing_in_one_cycle_is_still_divided_by_all_cycles():
    rows = [("q1", "single", 0, True), ("q1", "single", 1, True), ("q2", "cross", 0, True)]
    expected = {"all": 1.0, "single": 1.0, "cross": 0.5}
    assert accuracies(score(predictions(rows), **SETTINGS)) == expected


def test_rows_without_a_cycle_are_left_out_of_a_cyclic_benchmark():
    rows = [("q1", "single", 0, True), ("q1", "single", 1, False), ("q2", "single", None, True)]
    table = score(predictions(rows), **SETTINGS)
    assert accuracies(table)["all"] == 0.5
    assert table["n"].to_list() == [2, 2]


def test_views_are_scored_apart():
    full = predictions([("i1", "letter", None, False)], benchmark="zoom")
    crop = predictions([("i1", "letter", None, True)], benchmark="zoom", view="crop")
    table = score(pl.concat([full, crop]), **SETTINGS).filter(pl.col("category") == "all")
    assert dict(zip(table["view"].cast(pl.String), table["accuracy"], strict=True)) == {
        "crop": 1.0,
        "full": 0.0,
    }


def test_the_order_of_the_rows_changes_nothing():
    rows = [(f"q{index // 4}", "single", index % 4, index % 3 == 0) for index in range(40)]
    frame = predictions(rows)
    assert score(frame, **SETTINGS).equals(
        score(frame.sample(fraction=1.0, shuffle=True, seed=1), **SETTINGS)
    )
