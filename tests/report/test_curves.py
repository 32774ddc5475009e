"""Smoothing and the rows for `dvc plots`."""

from __future__ import annotations

import math

import polars as pl
import pytest

from vzero import tables
from vzero.report import curves
from vzero.report.figures import learning_figures


def test_a_tenth_of_the_steps_is_averaged_and_the_ends_average_what_is_there() -> None:
    steps = pl.Series(range(30), dtype=pl.Float64)
    smoothed = curves.smooth(steps).to_list()
    assert smoothed[1:-1] == list(range(1, 29))
    assert (smoothed[0], smoothed[-1]) == (0.5, 28.5)


def test_few_steps_are_left_as_they_are() -> None:
    assert curves.smooth(pl.Series([3.0, 1.0, 2.0])).to_list() == [3.0, 1.0, 2.0]


def test_undefined_values_are_gaps() -> None:
    smoothed = curves.smooth(pl.Series([1.0, math.nan, 3.0] * 10)).to_list()
    assert smoothed[:2] == [1.0, 2.0]


def test_every_curve_is_a_column_of_the_train_log() -> None:
    assert set(curves.CURVES) < set(tables.TrainLog.column_names())


def test_plot_rows_hold_each_step_with_null_for_undefined_values() -> None:
    log = pl.DataFrame({"step": [0, 1], **{name: [1.0, math.inf] for name in curves.CURVES}})
    first, second = curves.plot_rows(log)
    assert first == {"step": 0, **dict.fromkeys(curves.CURVES, 1.0)}
    assert second == {"step": 1, **dict.fromkeys(curves.CURVES, None)}


def test_only_what_the_log_tells_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server nothing is said of its log-probs."""
    monkeypatch.setattr("vzero.report.figures.render", lambda *_, **__: "")
    told = {name: [0.5, 0.25] for name in curves.CURVES}
    rollouts = pl.DataFrame(
        {"step": [0, 1], "right": [None, None]}, schema={"step": pl.Int32, "right": pl.Boolean}
    )

    def headings(**columns) -> list[str]:
        log = pl.DataFrame({"step": [0, 1], **told, **columns})
        return [figure.heading for figure in learning_figures(log, rollouts)]

    assert headings() == [heading for _, heading in curves.CURVES.values()]
    without = headings(mismatch=[None, None], ratio_cut=[None, None])
    assert set(headings()) - set(without) == {curves.CURVES[name][1] for name in ("mismatch", "ratio_cut")}
