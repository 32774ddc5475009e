"""The headline table on numbers that can be checked by hand."""

from __future__ import annotations

import polars as pl
import pytest
from example_run import prediction_rows, score_rows

from vzero.config import parse_params
from vzero.report.summary import metrics, summarise, view_comparison

HITS = {
    ("base", "search"): [1, 0, 0, 0],
    ("base", "cyclic"): [1, 1, 0, 0],
    ("base", "zoom"): [0, 0, 0, 0],
    ("base", "coarse"): [1, 1, 1, 1],
    ("trained", "search"): [1, 1, 0, 0],
    ("trained", "cyclic"): [1, 1, 1, 0],
    ("trained", "zoom"): [1, 0, 1, 0],
    ("trained", "coarse"): [1, 1, 1, 0],
    ("teacher", "search"): [1, 1, 1, 1],
    ("teacher", "cyclic"): [1, 1, 1, 1],
    ("teacher", "zoom"): [1, 1, 1, 1],
    ("teacher", "coarse"): [1, 1, 1, 1],
}


def view_of(model: str, benchmark: str) -> str:
    return "full+crop" if model == "teacher" and benchmark != "coarse" else "full"


def evaluation(**settings: object) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Summary, predictions and scores of HITS, with a crop view on zoom that every model gets right."""
    evaluate = parse_params({"evaluate": {"resamples": 100, **settings}}).evaluate
    asked = [(*key, view_of(*key), hits) for key, hits in HITS.items()]
    asked += [(model, "zoom", "crop", [1, 1, 1, 1]) for model in ("base", "trained")]
    predictions = pl.DataFrame([row for one in asked for row in prediction_rows(*one)])
    scores = pl.DataFrame([row for one in asked for row in score_rows(*one)])
    return summarise(predictions, scores, evaluate, evaluate.models), predictions, scores


def row_of(summary: pl.DataFrame, model: str, benchmark: str) -> dict:
    found = summary.filter(pl.col("model") == model, pl.col("benchmark") == benchmark)
    return found.row(0, named=True)


def test_accuracies_and_intervals_of_a_benchmark_are_those_of_the_scores() -> None:
    summary, _, _ = evaluation()
    row = row_of(summary, "trained", "search")
    assert (row["n"], row["accuracy"], row["low"], row["high"]) == (4, 0.5, 0.4, 0.6)


def test_regions_is_the_mean_of_the_three_region_benchmarks() -> None:
    summary, _, _ = evaluation()
    base, trained = row_of(summary, "base", "regions"), row_of(summary, "trained", "regions")
    assert base["accuracy"] == pytest.approx((1 / 4 + 2 / 4 + 0) / 3)
    assert trained["accuracy"] == pytest.approx((2 / 4 + 3 / 4 + 2 / 4) / 3)
    assert base["n"] == trained["n"] == 12


def test_deltas_are_points_against_base_on_the_same_items() -> None:
    summary, _, _ = evaluation()
    assert row_of(summary, "trained", "zoom")["delta"] == pytest.approx(50)
    assert row_of(summary, "trained", "coarse")["delta"] == pytest.approx(-25)
    assert row_of(summary, "trained", "regions")["delta"] == pytest.approx((25 + 25 + 50) / 3)
    assert row_of(summary, "base", "regions")["delta"] is None


def test_a_gain_that_is_the_same_in_every_group_is_as_wide_as_what_may_have_gone_unseen() -> None:
    # Zoom: the first of the two items on each image goes from wrong to right, so every resample gains 50.
    # Of two groups none was unlike: up to z^2 / (2 + z^2) = 0.6576 may be, gaining -100 to 100.
    row = row_of(evaluation()[0], "trained", "zoom")
    assert row["delta_low"] == pytest.approx(50 - 0.6576 * 150, abs=0.01)
    assert row["delta_high"] == pytest.approx(50 + 0.6576 * 50, abs=0.01)


def test_the_teacher_is_judged_with_its_crop_and_the_students_without() -> None:
    summary, _, _ = evaluation()
    assert row_of(summary, "teacher", "zoom")["accuracy"] == 1
    assert row_of(summary, "base", "zoom")["accuracy"] == 0


def test_a_shorter_list_of_benchmarks_averages_what_is_there() -> None:
    summary, _, _ = evaluation(benchmarks=["search", "coarse"])
    assert summary["benchmark"].unique().sort().to_list() == ["coarse", "regions", "search"]
    assert row_of(summary, "trained", "regions")["accuracy"] == 0.5


def test_without_a_region_benchmark_there_is_no_regions_row() -> None:
    summary, _, _ = evaluation(benchmarks=["coarse"])
    assert summary["benchmark"].unique().to_list() == ["coarse"]


def test_without_base_there_is_nothing_to_compare_with() -> None:
    summary, _, _ = evaluation(frozen=["teacher"])
    assert summary["model"].unique().sort().to_list() == ["trained", "teacher"]
    assert summary["delta"].null_count() == summary.height


def test_models_that_answered_different_items_are_not_compared() -> None:
    _, predictions, scores = evaluation()
    lost = (pl.col("model") == "trained") & (pl.col("item") == "0003") & (pl.col("benchmark") == "zoom")
    evaluate = parse_params({}).evaluate
    with pytest.raises(ValueError, match="base and trained answered different items of zoom"):
        summarise(predictions.filter(~lost), scores, evaluate, evaluate.models)


def test_the_crop_view_stands_beside_the_full_view_of_the_students() -> None:
    _, _, scores = evaluation()
    assert view_comparison(scores).to_dicts() == [
        {"benchmark": "zoom", "model": "base", "n": 4, "full": 0.0, "crop": 1.0, "difference": 100.0},
        {"benchmark": "zoom", "model": "trained", "n": 4, "full": 0.5, "crop": 1.0, "difference": 50.0},
    ]


def test_metrics_are_flat_numbers() -> None:
    flat = metrics(evaluation()[0])
    assert flat["base_regions_accuracy"] == 0.25
    assert flat["trained_regions_delta"] == 33.333333
    assert "base_regions_delta" not in flat
    assert all(isinstance(value, float) for value in flat.values())
