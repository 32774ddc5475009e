"""What people see in Prefect, as plain rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from prefect.states import Completed, Failed

from flows.artifacts import artifact_key, percent_done, score_rows, stage_rows, trackers_table


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


def test_trackers_are_linked_with_the_command_to_look_at_them():
    *_, row = trackers_table(["tensorboard"], Path("/p/.vzero")).splitlines()
    link = "file:///p/.vzero/trackers/tensorboard"
    assert row == f"| [tensorboard]({link}) | `tensorboard --logdir /p/.vzero/trackers/tensorboard` |"


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("train step 30/120  loss 0.2", 25.0),
        ("train step 120/120", 100.0),
        ("ingest: 23,600 rows in 41 s", None),
        ("step 1/0", None),
        ("misstep 1/2", None),
    ],
)
def test_progress_is_read_from_a_line_that_counts_steps(line: str, percent: float | None):
    assert percent_done(line) == percent


def test_a_matrix_stage_becomes_a_key_that_prefect_takes():
    assert artifact_key("evaluate-frozen@base_search-progress") == "evaluate-frozen-base-search-progress"
