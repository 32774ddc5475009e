"""Answers of several seeds as one number an item, weighed as the benchmark's own number weighs them."""

from __future__ import annotations

import polars as pl
import pytest
from example_run import prediction_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from vzero import tables
from vzero.config import parse_params
from vzero.evaluate.score import score
from vzero.report.answers import answered, counted
from vzero.report.summary import summarise

PARTS = {"cv_bench_2d": "source", "hrbench_4k": "cycle", "vstar": None, "search": None, "cyclic": "cycle"}


def predictions(benchmark: str, model: str, *seeds: list[bool], parts: list | None = None) -> pl.DataFrame:
    rows = [
        row
        for seed, hits in enumerate(seeds)
        for row in prediction_rows(model, benchmark, "full", hits, seed=seed)
    ]
    column = PARTS[benchmark]
    if parts is not None and column is not None:
        rows = [row | {column: parts[int(row["item"])]} for row in rows]
    return tables.Predictions.cast(pl.DataFrame(rows, infer_schema_length=None))


def test_an_item_is_the_mean_of_its_hits_over_seeds() -> None:
    found = answered(
        predictions("vstar", "base", [True, True], [True, False], [True, False]), "base", "vstar"
    )
    assert found["item"].to_list() == ["0000", "0001"]
    assert found["hit"].to_list() == pytest.approx([1, 1 / 3])


def test_sources_count_alike_whatever_their_size() -> None:
    # ADE20K: one of one right; COCO: none of three. The mean of sources is 1/2, that of items 1/4.
    rows = predictions("cv_bench_2d", "base", [True, False, False, False], parts=["A", "C", "C", "C"])
    found = counted(answered(rows, "base", "cv_bench_2d"), "cv_bench_2d")
    assert (found["hit"] * found["weight"]).mean() == pytest.approx(0.5)


def test_items_without_an_order_are_left_out_where_others_have_one() -> None:
    rows = predictions("hrbench_4k", "base", [True, False, True], parts=[0, 1, None])
    found = counted(answered(rows, "base", "hrbench_4k"), "hrbench_4k")
    assert found["item"].to_list() == ["0000", "0001"]


def test_copies_without_any_order_get_the_plain_mean() -> None:
    rows = predictions("hrbench_4k", "base", [True, False, True], parts=[None, None, None])
    found = counted(answered(rows, "base", "hrbench_4k"), "hrbench_4k")
    assert found["weight"].to_list() == [1, 1, 1]


@settings(max_examples=30)
@given(st.data(), st.sampled_from(sorted(PARTS)), st.integers(2, 12), st.integers(1, 3))
def test_the_delta_is_the_difference_of_the_two_accuracies(
    data: st.DataObject, benchmark: str, items: int, seeds: int
) -> None:
    hits = st.lists(st.booleans(), min_size=items, max_size=items)
    values = ["A", "B"] if PARTS[benchmark] == "source" else [0, 1, 2]
    parts = data.draw(st.lists(st.sampled_from(values), min_size=items, max_size=items))
    rows = pl.concat(
        predictions(benchmark, model, *data.draw(st.lists(hits, min_size=seeds, max_size=seeds)), parts=parts)
        for model in ("base", "trained")
    )
    settings = {
        "benchmarks": [benchmark],
        "frozen": ["base"],
        "resamples": 10,
        "temperature": 1.0,
        "seeds": list(range(seeds)),
    }
    published = {} if benchmark in ("search", "cyclic") else {benchmark: "file.tsv"}
    evaluate = parse_params({"evaluate": settings, "ingest": {"benchmarks": published}}).evaluate
    summary = summarise(rows, score(rows, resamples=10, confidence=0.95, seed=0), evaluate, evaluate.models)
    own = summary.filter(pl.col("benchmark") == benchmark)
    accuracy = dict(own.select(pl.col("model").cast(pl.String), "accuracy").iter_rows())
    delta = own.filter(pl.col("model") == "trained")["delta"].item()
    assert delta == pytest.approx(100 * (accuracy["trained"] - accuracy["base"]), abs=1e-9)
