"""The paper's table: published rows as printed there, and ours beside them only where they belong."""

from __future__ import annotations

import polars as pl
import pytest
from example_run import prediction_rows, score_rows

from vzero import tables
from vzero.report.paper_table import COLUMNS, asked, average, own_rows, published_rows

PRINTED_AVERAGES = {
    "Qwen3-VL-4B": 68.2,
    "Qwen3.5-4B (base)": 73.7,
    "Qwen3.5-9B": 77.6,
    "ZwZ-4B": 74.2,
    "ZwZ-8B": 76.4,
    "V-Zero-4B": 76.9,
}


def scores(*benchmarks: str, hits: tuple[int, ...] = (1, 1, 0, 0)) -> pl.DataFrame:
    rows = [row for name in benchmarks for row in score_rows("trained", name, "full", hits)]
    return tables.Scores.cast(pl.DataFrame(rows))


def test_averages_are_those_that_the_paper_prints() -> None:
    found = {row.model: row.average for row in published_rows() if row.source.startswith("arXiv 2606.25319")}
    printed = {name: value for name, value in found.items() if value is not None}
    assert printed == pytest.approx(PRINTED_AVERAGES, abs=0.051)


def test_every_published_row_says_where_it_is_from() -> None:
    rows = published_rows()
    assert {row.protocol for row in rows} == {
        "run by the authors",
        "copied by the authors",
        "independent re-evaluation",
    }
    assert all(row.source and row.model for row in rows)
    copied = [row for row in rows if row.protocol == "copied by the authors"]
    assert len(copied) == 4 and all(row.average is None for row in copied)


def test_the_gain_of_the_paper_is_there() -> None:
    rows = {row.model: row.cells for row in published_rows()}
    gains = [round(rows["V-Zero-4B"][name] - rows["Qwen3.5-4B (base)"][name], 1) for name in COLUMNS]  # type: ignore[operator]
    assert gains == [4.7, 3.4, 2.5, 5.6, 0.6, 2.6]


def test_an_average_needs_all_six() -> None:
    whole = dict.fromkeys(COLUMNS, 50.0) | {"vstar": 80.0}
    assert average(whole) == 55.0
    assert average(whole | {"mmstar": None}) is None
    assert average({name: value for name, value in whole.items() if name != "mme_realworld"}) is None


def test_drawn_benchmarks_and_selections_do_not_enter_the_table() -> None:
    (row,) = own_rows(scores("search", "zoom", "coarse", "mme_realworld_lite", "cv_bench_2d"), ["trained"])
    assert list(row.cells) == list(COLUMNS)
    assert set(row.cells.values()) == {None}
    assert row.average is None


def test_our_cells_are_the_headline_scores_and_say_how_many_items_they_are_of() -> None:
    (row,) = own_rows(scores("vstar", "mmstar"), ["trained"])
    cell = row.cells["vstar"]
    assert cell is not None
    assert (cell["accuracy"], cell["n"], cell["published_size"], cell["whole"]) == (0.5, 4, 191, False)
    assert row.cells["mmstar"] is not None and row.cells["mmstar"]["aggregate"] == "micro"
    assert row.average is None


def test_a_whole_benchmark_is_told_from_a_part_of_it() -> None:
    (row,) = own_rows(scores("vstar", hits=(1,) * 191), ["trained"])
    assert row.cells["vstar"] is not None and row.cells["vstar"]["whole"]


def test_all_six_make_an_average_in_per_cent() -> None:
    (row,) = own_rows(scores(*COLUMNS), ["trained"])
    assert row.average == pytest.approx(50.0)


def test_prompt_and_policy_stand_by_the_benchmark() -> None:
    rows = [row for name in ("vstar", "search") for row in prediction_rows("base", name, "full", [True])]
    assert asked(pl.DataFrame(rows)) == {"vstar": ("vlmevalkit", "vlmevalkit-exact")}
