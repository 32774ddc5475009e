"""What people see in Prefect, as plain rows."""

from __future__ import annotations

import polars as pl
from prefect.states import Completed, Failed

from flows.artifacts import score_rows, stage_rows


def test_a_stage_row_has_the_verdict_and_the_seconds():
    states = {"ingest": Completed(name="Ran", message="12.0 s"), "crops": Failed(message="crops: ERROR: x")}
    assert stage_rows(states) == [
        {"stage": "ingest", "verdict": "Ran", "detail": "12.0 s"},
        {"stage": "crops", "verdict": "Failed", "detail": "crops: ERROR: x"},
    ]


def test_scores_are_percents_with_intervals_and_points_against_base():
    summary = pl.DataFrame(
        {
            "model": ["base", "trained"],
            "benchmark": ["search", "search"],
            "n": [400, 400],
            "accuracy": [0.5, 0.575],
            "low": [0.45, 0.525],
            "high": [0.55, 0.625],
            "delta": [None, 7.5],
            "delta_low": [None, 3.25],
            "delta_high": [None, 11.75],
        }
    )
    base, trained = score_rows(summary)
    assert base["accuracy"] == "50.0 [45.0, 55.0]"
    assert base["against base"] == ""
    assert trained["against base"] == "+7.5 [+3.2, +11.8]"
