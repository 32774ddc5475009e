"""From stored rows to what the page says: worked numbers on a few items."""

from __future__ import annotations

import polars as pl
import pytest
from experiment_rows import EXPERIMENT, ITEMS, curves, runs

from vzero.errors import ProjectError
from vzero.evaluate.reaching import Reached
from vzero.experiments import findings
from vzero.experiments.page import metrics, ratio_words
from vzero.experiments.settings import Claim, Goal


def test_a_curve_has_the_accuracy_and_what_it_had_cost_by_then():
    rows = findings.curve_rows(curves(), runs(), EXPERIMENT)
    fast = rows.filter(arm="fast", scale="regions").select("step", "accuracy", "seconds", "flops", "labels")
    fast = fast.with_columns(pl.col("accuracy").round(9))
    assert fast.rows() == [(0, 0.25, 0.0, 0.0, 0.0), (1, 0.75, 15.0, 3e9, 4.0), (2, 0.95, 30.0, 6e9, 8.0)]
    assert set(rows["arm"]) == {"slow", "fast"}, "an arm without a cell has no curve"
    assert set(rows["scale"]) == {"regions", "search", "coarse"}
    assert (rows["low"] <= rows["accuracy"]).all() and (rows["accuracy"] <= rows["high"]).all()


def test_the_final_table_says_accuracy_and_gain():
    rows = {(row["arm"], row["scale"]): row for row in findings.final_rows(curves(), EXPERIMENT)}
    assert rows["slow", "search"]["mean"].value == pytest.approx(0.5)
    assert rows["slow", "search"]["gain"].value == pytest.approx(0.25)
    assert rows["fast", "coarse"]["gain"].value == 0.0
    assert (rows["fast", "search"]["mean"].seeds, rows["fast", "search"]["mean"].items) == (2, ITEMS)
    numbers = metrics(curves(), EXPERIMENT)
    assert numbers["fast"]["search"]["gain"]["value"] == pytest.approx(70.0)


def test_categories_are_those_of_benchmarks_that_have_several():
    rows = findings.category_rows(curves(), EXPERIMENT)
    found = {(row["arm"], row["category"]): (row["mean"].items, row["mean"].value) for row in rows}
    assert {row["scale"] for row in rows} == {"search"}
    # Of 20 right answers of `slow`, the first seed's are the early items, the second's all but three of them.
    assert found["slow", "early"] == (20, pytest.approx((20 + 17) / 40))
    assert found["slow", "late"] == (20, pytest.approx((0 + 3) / 40))
    assert {arm for arm, _ in found} == {"slow", "fast"}


def test_arms_differ_from_the_baseline():
    rows = {
        (row["arm"], row["scale"]): row["difference"]
        for row in findings.difference_rows(curves(), EXPERIMENT)
    }
    assert rows.keys() == {("fast", scale) for scale in EXPERIMENT.scales}
    assert rows["fast", "search"].value == pytest.approx(0.45)
    assert rows["fast", "coarse"].value == 0.0
    assert rows["fast", "coarse"].low < 0.0, "items that never differ may differ yet"


def test_claims_hold_do_not_or_cannot_be_told():
    holds, not_so_much, not_there = findings.claim_sentences(curves(), EXPERIMENT)
    assert holds.startswith("fast is above slow on regions: holds (+45.0 points, ")
    assert "2 seeds x 40 items" in holds
    assert not_so_much.startswith("fast is above slow by more than 50 points on regions: cannot be told")
    assert not_there == "later is above slow on regions: no seed of both is there yet"


def test_an_arm_may_be_claimed_to_be_above_itself_earlier():
    """On search `slow` has 0.3 after one step and 0.5 at the end."""
    later = Claim(better="slow", than="slow", than_at=1, on="search")
    (said,) = findings.claim_sentences(curves(), EXPERIMENT.model_copy(update={"claims": [later]}))
    assert said.startswith("slow is above slow after 1 step on search: ")
    assert "(+20.0 points, " in said


def test_the_goal_is_reached_on_the_line_between_marks_or_not_at_all():
    """0.45 lies at 2/5 of the way from 0.25 to 0.75, and 3/4 from 0.3 to 0.5."""
    goal = Goal(accuracy=0.45, baseline="slow", on="search")
    spent = {row.arm: row for row in findings.goal_rows(curves(), runs(), EXPERIMENT, goal)}
    assert spent["fast"].cost["seconds"] == pytest.approx(0.4 * 15)
    assert spent["slow"].cost["seconds"] == pytest.approx(30 + 0.75 * 30)
    assert spent["fast"].ratio["seconds"].ratio == pytest.approx(6 / 52.5)
    assert spent["fast"].ratio["flops"].ratio == pytest.approx(0.4 / 1.75)
    high = Goal(accuracy=0.9, baseline="slow", on="search")
    spent = {row.arm: row for row in findings.goal_rows(curves(), runs(), EXPERIMENT, high)}
    assert spent["slow"].cost == {"seconds": None, "flops": None}
    assert spent["fast"].ratio["seconds"].reached is Reached.NOT_BY_BASELINE
    assert ratio_words(spent["fast"].ratio["seconds"]) == "not reached by the baseline"


def test_arms_are_compared_on_the_seeds_that_both_have():
    rows = curves().filter(~((pl.col("arm") == "slow") & (pl.col("seed") == 1)))
    holds = findings.claim_sentences(rows, EXPERIMENT)[0]
    assert "this seed alone x 40 items" in holds


def test_cells_that_answered_other_items_are_not_compared():
    other = pl.when(arm="fast").then(pl.lit("other ") + pl.col("item")).otherwise("item")
    with pytest.raises(ProjectError, match="fast and slow answered different items of regions"):
        findings.claim_sentences(curves().with_columns(item=other), EXPERIMENT)
    older = pl.when(seed=1).then(pl.lit("other ") + pl.col("item")).otherwise("item")
    with pytest.raises(ProjectError, match="cells of slow answered different items of regions"):
        findings.final_rows(curves().with_columns(item=older), EXPERIMENT)
