"""Paired tests against base and the smallest difference that a benchmark could show."""

from __future__ import annotations

import math

import polars as pl
import pytest
from example_run import prediction_rows

from vzero import tables
from vzero.config import parse_params
from vzero.report.sensitivity import sensitivity_rows

BASE = [True] * 10 + [False] * 10
TRAINED = [True] * 9 + [False] * 6 + [True] * 5  # one lost, five gained


def rows_of(models: list[str], **seeds: list[list[bool]]) -> list[dict]:
    found = [
        row
        for model, runs in seeds.items()
        for seed, hits in enumerate(runs)
        for row in prediction_rows(model, "search", "full", hits, seed=seed)
    ]
    evaluate = parse_params({"evaluate": {"benchmarks": ["search"], "resamples": 50}}).evaluate
    return sensitivity_rows(tables.Predictions.cast(pl.DataFrame(found)), models, evaluate)


def test_mcnemar_and_the_detectable_difference_by_hand() -> None:
    (row,) = rows_of(["base", "trained"], base=[BASE], trained=[TRAINED])
    assert (row["model"], row["n"]) == ("trained", 20)
    assert row["delta"] == pytest.approx(20)
    # One of six discordant items: two-sided binomial, 2 * (1 + 6) / 2^6.
    assert row["p"] == pytest.approx(14 / 64)
    # z of 97.5 % and of 80 %, times the root of discordant share by items; at most the share itself.
    assert row["detectable"] == pytest.approx(min(30, 100 * (1.959964 + 0.841621) * math.sqrt(0.3 / 20)))


def test_several_seeds_have_no_exact_test() -> None:
    (row,) = rows_of(["base", "trained"], base=[BASE, BASE], trained=[TRAINED, BASE])
    assert row["p"] is None
    assert row["delta"] == pytest.approx(10)
    # Six items differ by a half: the mean square of the differences is 6 * 0.25 / 20.
    assert row["detectable"] == pytest.approx(min(7.5, 280.1585 * math.sqrt(0.075 / 20)), abs=1e-3)


def test_without_base_there_is_nothing_to_test() -> None:
    assert rows_of(["trained"], trained=[TRAINED]) == []
