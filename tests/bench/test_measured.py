"""What the benchmarks report: the fairest of several rounds, and ratios that read the same way everywhere."""

from __future__ import annotations

import pytest

from bench import measurements
from bench.measurements import Measurement, compare_seconds, store
from bench.timing import best_seconds


def test_variants_take_turns_and_the_fastest_round_counts():
    turns = []
    seconds = {"ours": iter([5.0, 2.0, 3.0]), "theirs": iter([9.0, 8.0, 7.0])}

    def work(name):
        turns.append(name)
        return next(seconds[name])

    best = best_seconds({name: lambda name=name: work(name) for name in seconds}, rounds=3)

    assert best == {"ours": 2.0, "theirs": 7.0}
    assert turns == ["ours", "theirs"] * 3


def test_a_ratio_of_seconds_says_how_many_times_faster_than_the_baseline():
    ours, naive = compare_seconds("replay", {"shared": 2.0, "naive": 9.0}, baseline="naive")
    assert (ours.variant, ours.value, ours.ratio_to_baseline) == ("shared", 2.0, pytest.approx(4.5))
    assert naive.ratio_to_baseline == 1.0


def test_the_stored_table_has_a_row_for_each_measurement(tmp_path, monkeypatch):
    monkeypatch.setattr(measurements, "RESULTS", tmp_path / "bench" / "results.parquet")
    (tmp_path / "bench").mkdir()
    table = store([Measurement("case", "floor", "seconds", 1.5, "s")])
    assert table.rows() == [("case", "floor", "seconds", 1.5, "s", None)]
    assert table.columns == ["case", "variant", "metric", "value", "unit", "ratio_to_baseline"]
    assert (tmp_path / "bench" / "results.parquet").is_file()
