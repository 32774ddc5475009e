"""The page of an experiment says what it was measured on, and what cannot be said."""

from __future__ import annotations

import re

from experiment_rows import EXPERIMENT, audits, curves, runs

from vzero.config import parse_params
from vzero.experiments.page import render
from vzero.experiments.settings import Goal
from vzero.experiments.tables import Audits

NO_AUDITS = Audits.create_empty()
PARAMS = parse_params({"evaluate": {"benchmarks": EXPERIMENT.benchmarks}})


def text_of(page: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", page.partition("<body>")[2]).split())


def test_it_says_what_was_asked_measured_and_left_undone():
    text = text_of(render("one", EXPERIMENT, PARAMS, runs(), curves(), NO_AUDITS))
    assert "Deciding rule, written before the first cell ran: The higher one." in text
    assert "4 of 6 cells (3 arms x 2 seeds) are there; measured on a machine." in text
    assert "no number of theirs is a score on V*, HR-Bench, ZoomBench or MMStar" in text
    assert "fast is above slow on regions: holds" in text
    assert "later is above slow on regions: no seed of both is there yet" in text
    assert "Points above slow" in text
    assert "versions of the code" not in text


def test_cells_of_other_code_are_told():
    mixed = runs().with_columns(code_hash=runs()["arm"])
    assert "They are of 2 versions of the code." in text_of(
        render("one", EXPERIMENT, PARAMS, mixed, curves(), NO_AUDITS)
    )


def test_a_goal_that_is_not_reached_is_told_as_such():
    goal = Goal(accuracy=0.9, baseline="slow", on="search")
    experiment = EXPERIMENT.model_copy(update={"goal": goal})
    text = text_of(render("one", experiment, PARAMS, runs(), curves(), NO_AUDITS))
    assert "Until 90.0% on needle-search" in text
    assert "slow not reached reached by neither not reached reached by neither" in text
    assert "not reached by the baseline" in text


def test_a_curve_by_labels_is_drawn_only_where_labels_were_read():
    drawn = "by labels read"
    assert drawn in render("one", EXPERIMENT, PARAMS, runs(), curves(), NO_AUDITS)
    unread = runs().with_columns(labels=runs()["labels"] * 0)
    assert drawn not in render("one", EXPERIMENT, PARAMS, unread, curves(), NO_AUDITS)


def test_it_tells_which_labels_were_right_over_all_seeds_and_in_which_range():
    text = text_of(render("one", EXPERIMENT, PARAMS, runs(), curves(), audits()))
    assert "66.7% 60.0% to 100.0% 8 of 12 25.0% 25.0% to 25.0% 1 of 4" in text
    assert "fast 1 75.0% 75.0% to 75.0% 3 of 4 Of all iterations" in text, "it has no windows"
    assert "Labels that are right" not in text_of(
        render("one", EXPERIMENT, PARAMS, runs(), curves(), NO_AUDITS)
    )
