"""Hits and accuracies, worked by hand."""

from __future__ import annotations

import polars as pl
import pytest

from vzero.answers import open_answers
from vzero.answers.extract import READERS
from vzero.evaluate.reading import graded_as_declared
from vzero.evaluate.score import score
from vzero.evaluate.statistics import wilson_interval
from vzero.tables import Scores

SETTINGS = {"resamples": 200, "confidence": 0.95, "seed": 0}


def predictions(rows: list[tuple[str, str, int | None, bool]], **columns: object) -> pl.DataFrame:
    """Rows of (group, category, cycle, hit) with the other columns of the predictions table filled in."""
    fixed = {
        "model": "base",
        "benchmark": "cyclic",
        "view": "full",
        "seed": 0,
        "reader": "vlmevalkit-exact",
        "source": "",
        "l2_category": "",
        "resolved": True,
        **columns,
    }
    frame = pl.DataFrame(rows, schema=["group", "category", "cycle", "hit"], orient="row")
    return frame.with_columns(
        item=pl.format("{}-{}", pl.int_range(pl.len()), pl.col("group")),
        cycle=pl.col("cycle").cast(pl.Int32),
        **{name: pl.lit(value) for name, value in fixed.items()},
    )


def accuracies(table: pl.DataFrame) -> dict[str, float]:
    return dict(zip(table["category"], table["accuracy"], strict=True))


def replies(texts: list[str], benchmark: str, answer: str, options: list[str] | None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "benchmark": benchmark,
            "text": texts,
            "options": [options or []] * len(texts),
            "answer": answer,
            "answer_type": "",
            "finish_reason": "stop",
        }
    )


def test_grading_reads_the_letter_and_counts_what_it_cannot_read_as_wrong():
    texts = ["It is K. Answer: B", "Answer: A", "no idea", "Cannot determine the answer"]
    graded = graded_as_declared(replies(texts, "search", "B", ["P", "K"]), None)
    assert graded["extracted"].to_list() == ["B", "A", None, "Z"]
    assert graded["rule"].to_list() == ["letter", "letter", "unresolved", "refusal"]
    assert graded["resolved"].to_list() == [True, True, False, True]
    assert graded["hit"].to_list() == [True, False, False, False]
    assert set(graded["reader"]) == {"vlmevalkit-exact"}


@pytest.mark.parametrize("reader", [None, *READERS, *open_answers.READERS])
def test_what_was_never_asked_is_unresolved_under_every_reader(reader: str | None):
    for options in (["P", "K"], None):
        asked = replies(["", "A"], "search", "A", options).with_columns(finish_reason=pl.lit("refused"))
        graded = graded_as_declared(asked, reader)
        assert set(graded.select("extracted", "rule", "resolved", "hit").rows()) == {
            (None, "picture_refused", False, False)
        }


def test_a_benchmark_is_read_as_it_declares_unless_a_policy_is_named():
    # The toolkit's expression for MME-RealWorld takes the first capital that is a letter of an option.
    asked = replies(["Answer: B"], "mme_realworld", "B", ["P", "K"])
    assert graded_as_declared(asked, None).select("reader", "extracted").row(0) == ("mme-realworld", "A")
    assert graded_as_declared(asked, "vzero").select("reader", "extracted").row(0) == ("vzero", "B")


def test_open_questions_are_matched_and_what_no_rule_decides_is_unresolved():
    graded = graded_as_declared(replies(["42", "41", "many"], "zoombench", "42", None), None)
    assert graded["hit"].to_list() == [True, False, False]
    assert graded["resolved"].to_list() == [True, False, False]
    assert graded["extracted"].to_list() == [None] * 3
    assert set(graded["reader"]) == {"zoombench"}
    careful = graded_as_declared(replies(["42", "41", "many"], "mathvision", "42", None), "vzero")
    assert careful["resolved"].to_list() == [True, True, False]


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
    frame = predictions(rows).with_columns(resolved=pl.Series([True, True, False, False]))
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


def test_seeds_are_pooled_item_by_item():
    rows = [("i1", "letter", None, True), ("i2", "letter", None, False)]
    others = [("i1", "letter", None, True), ("i2", "letter", None, True)]
    both = pl.concat([predictions(rows, benchmark="search"), predictions(others, benchmark="search", seed=1)])
    whole = score(both, **SETTINGS).filter(pl.col("category") == "all").row(0, named=True)
    # Items have 1 and 1/2; the seeds 1/2 and 1.
    assert (whole["n"], whole["seeds"], whole["accuracy"]) == (2, 2, 0.75)
    assert whole["seed_deviation"] == pytest.approx(0.5 / 2**0.5)


def test_one_seed_has_no_deviation():
    assert score(predictions([("i1", "letter", None, True)]), **SETTINGS)["seed_deviation"].is_null().all()


def strata(rows: list[tuple[str, str, str, bool]], benchmark: str) -> pl.DataFrame:
    """Rows of (category, sub-category, source, hit)."""
    frame = predictions([(f"g{n}", row[0], None, row[3]) for n, row in enumerate(rows)], benchmark=benchmark)
    return frame.with_columns(
        l2_category=pl.Series([row[1] for row in rows]), source=pl.Series([row[2] for row in rows])
    )


def by_aggregate(table: pl.DataFrame) -> dict[tuple[str, str], float]:
    return {(row["aggregate"], row["category"]): row["accuracy"] for row in table.iter_rows(named=True)}


def test_cv_bench_2d_is_the_mean_of_its_sources():
    rows = [
        ("Count", "", "ADE20K", True),
        ("Count", "", "ADE20K", False),
        ("Relation", "", "ADE20K", False),
        ("Relation", "", "COCO", True),
    ]
    found = by_aggregate(score(strata(rows, "cv_bench_2d"), **SETTINGS))
    assert found["source_mean", "all"] == pytest.approx((1 / 3 + 1) / 2)
    assert found["micro", "all"] == 0.5
    assert found["micro", "Count"] == 0.5


def test_mmstar_has_the_mean_of_hits_and_the_mean_of_sub_categories():
    rows = [
        ("math", "algebra", "", True),
        ("math", "algebra", "", True),
        ("math", "geometry", "", False),
        ("logic", "code", "", True),
    ]
    found = by_aggregate(score(strata(rows, "mmstar"), **SETTINGS))
    assert (found["micro", "all"], found["l2_macro", "all"]) == (0.75, pytest.approx(2 / 3))
    assert (found["micro", "math"], found["l2_macro", "math"]) == (pytest.approx(2 / 3), 0.5)


def test_a_copy_of_hr_bench_without_orders_scores_the_plain_mean():
    rows = [("q1", "single", None, True), ("q2", "cross", None, False)]
    assert accuracies(score(predictions(rows, benchmark="hrbench_4k"), **SETTINGS))["all"] == 0.5
