"""Collapse is seen in the log of the steps, told once, and stops the run where params ask for it."""

from __future__ import annotations

import polars as pl
import pytest
from small_project import settings

from vzero.paths import Paths
from vzero.shards import frame_of, read
from vzero.stages import train
from vzero.tables import Rollouts, TrainLog
from vzero.train import loop
from vzero.train.collapse import TrainingCollapsed, collapse_signs

HEALTHY = {"response_tokens": 12.0, "entropy": 0.5, "first_token_share": 0.5, "truncated": 0.1}
OF_QUESTIONS = {"malformed": 0.1, "commonest_letter": 0.3, "distinct": 0.9, "kept": 0.4, "confidence": 0.6}


def log(*last: dict[str, float]) -> pl.DataFrame:
    return logged([HEALTHY] * 5 + [HEALTHY | changes for changes in last])


def logged(rows: list[dict[str, float]]) -> pl.DataFrame:
    return frame_of([{"step": step, **row} for step, row in enumerate(rows)], TrainLog)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"response_tokens": 3.9}, ["answers shrank from 12.0 to 3.9 tokens"]),
        ({"response_tokens": 4.1}, []),
        ({"entropy": 0.009}, ["answers lost variety: entropy fell from 0.500 to 0.009 nats"]),
        ({"entropy": 0.011}, []),
        ({"entropy": 2.6}, ["answers became noise: entropy rose from 0.500 to 2.600 nats"]),
        ({"first_token_share": 0.99}, ["99% of answers begin with the same token"]),
        ({"first_token_share": 0.97}, []),
        ({"truncated": 0.6}, ["60% of answers are cut off before they end"]),
    ],
)
def test_each_sign_compares_the_last_five_steps_with_the_first_five(change, expected):
    assert collapse_signs(log(*[change] * 5)) == expected
    assert collapse_signs(log(*[change] * 4)) == []


def test_a_model_that_always_began_alike_or_was_always_cut_off_has_not_collapsed():
    steady = {"first_token_share": 1.0, "truncated": 0.9}
    assert collapse_signs(logged([HEALTHY | steady] * 20)) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"malformed": 0.21}, ["21% of texts are no question"]),
        ({"malformed": 0.19}, []),
        ({"commonest_letter": 0.61}, ["61% of quick answers are the same letter"]),
        ({"commonest_letter": 0.59}, []),
        ({"distinct": 0.49}, ["49% of questions differ from each other"]),
        ({"distinct": 0.51}, []),
    ],
)
def test_written_questions_are_watched_from_the_fifth_step_on(change, expected):
    step = HEALTHY | OF_QUESTIONS | change
    assert collapse_signs(logged([step] * 5)) == expected
    assert collapse_signs(logged([step] * 4)) == []


@pytest.mark.parametrize(
    ("kept", "confidence", "seen"), [(0.09, 0.61, True), (0.11, 0.61, False), (0.09, 0.59, False)]
)
def test_votes_that_agree_more_while_hardly_a_question_is_worth_learning_are_a_sign(kept, confidence, seen):
    before, after = HEALTHY | OF_QUESTIONS, HEALTHY | OF_QUESTIONS | {"kept": kept, "confidence": confidence}
    said = f"{kept:.0%} of questions are worth learning, while votes on them agree more: 0.60 to 0.61"
    assert collapse_signs(logged([before] * 5 + [after] * 5)) == ([said] if seen else [])
    assert collapse_signs(logged([before] * 4 + [after] * 5)) == []


@pytest.fixture
def collapsing(monkeypatch):
    """A sign that appears at the second step."""
    monkeypatch.setattr(loop, "collapse_signs", lambda log: ["answers shrank"] if log.height >= 2 else [])


def test_a_warning_is_given_once_and_training_goes_on(project: Paths, collapsing, capsys):
    train.run(settings(), project)
    assert capsys.readouterr().out.count("train step 2/4: warning: answers shrank") == 1
    assert read(project.rollouts, Rollouts)["step"].max() == 3


def test_a_run_that_stops_can_go_on_from_there(project: Paths, collapsing, capsys):
    with pytest.raises(TrainingCollapsed, match="collapsed at step 2: answers shrank"):
        train.run(settings(on_collapse="stop"), project)
    assert not project.trained_model.exists()
    train.run(settings(on_collapse="warn"), project)
    assert "continuing from step-000002" in capsys.readouterr().out
    assert read(project.rollouts, Rollouts)["step"].n_unique() == 4
