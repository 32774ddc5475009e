"""Simulated experiments have the accuracies that they state, and intervals hold these often enough."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from bench.coverage import DRAWS, LAYOUTS, RESULTS, experiments, measure
from bench.simulated_runs import Experiment, Training


@pytest.mark.parametrize(("accuracy", "gain"), [(0.5, 0.03), (0.95, 0.02)])
@pytest.mark.parametrize(("seed_spread", "fit_spread"), [(0.0, 0.0), (0.6, 0.7)])
def test_answers_are_right_as_often_as_stated(accuracy, gain, seed_spread, fit_spread):
    experiment = Experiment(LAYOUTS[0], 3, accuracy, gain, seed_spread, fit_spread)
    base, arm = experiment.draw(1_000, np.random.default_rng(0))
    assert base.shape == arm.shape == (1_000, 3, 200)
    assert base.mean() == pytest.approx(accuracy, abs=0.02)
    assert arm.mean() - base.mean() == pytest.approx(gain, abs=0.01)


def test_images_hold_the_items_that_a_layout_states():
    alone, shared, benchmarks = (np.bincount(layout.groups) for layout in LAYOUTS)
    assert set(alone) == {1}
    assert set(shared[:-1]) == {2, 3, 4}
    assert benchmarks.sum() == 400 and list(np.bincount(LAYOUTS[2].strata)) == [280, 120]


def test_arms_that_learn_alike_cost_alike_and_one_twice_as_fast_costs_half():
    assert Training(LAYOUTS[0], 3, 1.0, 0.3).true_ratio(0.7) == 1
    # Lines between marks lie below a curve that flattens, a little more so for the faster arm.
    assert Training(LAYOUTS[0], 3, 0.5, 0.3).true_ratio(0.7) == pytest.approx(0.5, abs=0.03)


def test_the_nested_bootstrap_finds_too_little_where_ours_does_not():
    experiment = Experiment(LAYOUTS[0], 3, 0.5, 0.03, 0.6, 0.7)
    ours, nested = measure(experiment, draws=200)
    assert (ours["interval"], nested["interval"]) == ("difference", "nested bootstrap")
    assert ours["covered"] > 0.9 > nested["covered"]


def test_the_stored_study_has_every_setting_and_covers_in_all_of_them():
    stored = pl.read_parquet(RESULTS)
    ours = stored.filter(pl.col("interval") != "nested bootstrap")
    differences = stored.filter(pl.col("interval") == "difference")
    assert len(differences) == len(list(experiments())) and set(differences["draws"]) == {DRAWS}
    assert ours.filter(pl.col("covered") < 0.93).is_empty()
    no_gain = differences.filter(pl.col("gain") == 0)
    assert no_gain.filter(pl.col("called") > 0.07).is_empty()
