"""The report stage on a small finished run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
from example_run import write_example
from polars import selectors

from vzero import tables
from vzero.errors import ProjectError
from vzero.paths import Paths
from vzero.shards import read, write_table
from vzero.stages import report


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_same_tables_make_the_same_bytes_in_any_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        params, paths = write_example(tmp_path / name)
        report.run(params, paths)
    first, second = digests(tmp_path / "one/data/report"), digests(tmp_path / "two/data/report")
    assert first == second
    assert set(first) == {
        "index.html",
        "metrics.json",
        "model_card.md",
        "summary.parquet",
        "plots/learning_curves.json",
        "plots/weight_by_verdict.json",
        "plots/weight_histogram.json",
    }


def test_other_seconds_change_the_file_of_seconds_and_nothing_else(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path)
    report.run(params, paths)
    before, seconds = digests(paths.report), json.loads(paths.report_timings.read_text())
    phases = {"rollout_seconds": 12.0, "replay_seconds": 6.0, "update_seconds": 3.0}
    assert seconds["train"] == phases | {"peak_memory": 512.0}
    assert seconds["evaluate"]["base-search"] == 24 * 0.5
    assert set(seconds["evaluate"]) == {
        f"{model}-{name}" for model in params.evaluate.models for name in params.evaluate.benchmarks
    }
    for table in tmp_path.glob("data/timings/*/**/*.parquet"):
        pl.read_parquet(table).with_columns(selectors.float() * 2).write_parquet(table)
    report.run(params, paths)
    assert json.loads(paths.report_timings.read_text())["train"]["rollout_seconds"] == 24.0
    assert digests(paths.report) == before


def test_summary_metrics_and_page_agree(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path)
    returned = report.run(params, paths)
    summary = tables.Summary.validate(read(paths.summary, tables.Summary))
    metrics = json.loads(paths.metrics.read_text())
    assert summary.height == 3 * 5
    trained = summary.filter(pl.col("model") == "trained", pl.col("benchmark") == "regions")
    assert metrics["trained_regions_delta"] == pytest.approx(trained["delta"].item(), abs=1e-6)
    assert returned["trained_regions_delta"] == metrics["trained_regions_delta"]
    assert returned["page"].endswith("data/report/index.html")


def test_plots_are_tables_with_the_same_columns_in_every_row(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path)
    report.run(params, paths)
    plots = {path.stem: json.loads(path.read_text()) for path in paths.plots.iterdir()}
    for rows in plots.values():
        assert len({tuple(row) for row in rows}) == 1
    assert len(plots["learning_curves"]) == params.train.steps
    assert sum(row["count"] for row in plots["weight_histogram"]) == 12 * 2 * 4


def test_a_run_without_rollouts_is_reported(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path)
    write_table(paths.rollouts / "part-00000.parquet", tables.Rollouts.create_empty(), tables.Rollouts)
    report.run(params, paths)
    assert "There are no rollouts" in paths.report_page.read_text()


def test_a_missing_table_is_an_error_that_names_it(tmp_path: Path) -> None:
    params, _ = write_example(tmp_path / "whole")
    with pytest.raises(ProjectError, match=r"run the stage that writes it first"):
        report.run(params, Paths(tmp_path / "empty"))
