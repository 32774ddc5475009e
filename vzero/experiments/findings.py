"""What the stored results of an experiment say: curves, the final table, the claims, and what the goal costs.

An accuracy is that of a scale: of a benchmark, or the mean of several (`Experiment.benchmarks_of`). All
intervals are over items and seeds crossed (`vzero.evaluate.crossed`); arms are compared on the seeds that
both have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from vzero.errors import ProjectError
from vzero.evaluate.claims import sentence
from vzero.evaluate.crossed import CrossedMean, crossed_difference, crossed_mean
from vzero.evaluate.reaching import CostRatio, Curves, cost_ratio, reached
from vzero.evaluate.statistics import POINTS
from vzero.experiments.settings import Claim, Experiment, Goal

CONFIDENCE = 0.95
COSTS = ("seconds", "flops")


@dataclass(frozen=True)
class Scores:
    """Scores of an arm on a scale, (seeds, items) at each mark, all of the same items."""

    seeds: list[int]
    marks: list[int]
    by_mark: np.ndarray
    """(seeds, marks, items)"""
    items: list[tuple[str, str]]
    """Benchmark and name of each."""
    groups: np.ndarray
    strata: np.ndarray

    def at(self, mark: int) -> np.ndarray:
        """(seeds, items)"""
        return self.by_mark[:, self.marks.index(mark)]

    def of_seeds(self, seeds: list[int]) -> Scores:
        rows = [self.seeds.index(seed) for seed in seeds]
        return replace(self, seeds=seeds, by_mark=self.by_mark[rows])


def scores_of(curves: pl.DataFrame, experiment: Experiment, arm: str, scale: str) -> Scores | None:
    """From rows of tables.Curves; None for an arm without a finished cell.

    Raises ProjectError where its cells answered different items.
    """
    rows = curves.filter(
        pl.col("arm") == arm, pl.col("benchmark").is_in(experiment.benchmarks_of(scale))
    ).sort("seed", "step", "benchmark", "item")
    if rows.is_empty():
        return None
    seeds, marks = (rows[name].unique().sort().to_list() for name in ("seed", "step"))
    items = rows.filter(pl.col("seed") == seeds[0], pl.col("step") == marks[0])
    asked = items.select("benchmark", "item").rows()
    if rows.select("benchmark", "item").rows() != asked * (len(seeds) * len(marks)):
        raise ProjectError(f"cells of {arm} answered different items of {scale}: run the older ones again")
    return Scores(
        seeds,
        marks,
        rows["score"].to_numpy().reshape(len(seeds), len(marks), -1),
        asked,
        items["group"].to_numpy(),
        items["benchmark"].to_numpy(),
    )


def curve_rows(curves: pl.DataFrame, runs: pl.DataFrame, experiment: Experiment) -> pl.DataFrame:
    """One row an arm, scale and mark: accuracy with its interval, and what it had cost by then.

    Columns arm, scale, step, accuracy, low, high, seeds, items, seconds, flops, labels; costs are means over
    seeds.
    """
    costs = costs_by_mark(runs).group_by("arm", "step").agg(pl.col(*COSTS, "labels").mean())
    rows = [
        {"arm": arm, "scale": scale, "step": mark} | _as_row(_mean(scores, mark))
        for arm in experiment.arms
        for scale in experiment.scales
        if (scores := scores_of(curves, experiment, arm, scale)) is not None
        for mark in scores.marks
    ]
    table = pl.DataFrame(rows, infer_schema_length=None)
    joined = table.join(costs, on=["arm", "step"], how="left", maintain_order="left")
    return joined.with_columns(pl.col(*COSTS, "labels").fill_null(0.0))


def costs_by_mark(runs: pl.DataFrame) -> pl.DataFrame:
    """One row an arm, seed and mark: seconds and FLOPs of all phases, and labels, up to it."""
    last = pl.col("step").max().over("arm", "seed")
    return (
        runs.select("arm", "seed", "labels", "costs")
        .explode("costs")
        .unnest("costs")
        .with_columns(labels=pl.col("labels") * pl.col("step") / last)
        .group_by("arm", "seed", "step", maintain_order=True)
        .agg(pl.col(*COSTS).sum(), pl.col("labels").first())
    )


def final_rows(curves: pl.DataFrame, experiment: Experiment) -> list[dict[str, Any]]:
    """One row an arm and scale at the last mark: accuracy, and what it differs from where it began."""
    last = experiment.marks[-1]
    return [
        {"arm": arm, "scale": scale}
        | {"mean": _mean(scores, last), "gain": _difference(scores, last, scores, 0)}
        for arm in experiment.arms
        for scale in experiment.scales
        if (scores := scores_of(curves, experiment, arm, scale)) is not None
    ]


def category_rows(curves: pl.DataFrame, experiment: Experiment) -> list[dict[str, Any]]:
    """As `final_rows`, one row an arm and category of a benchmark that has several."""
    rows = []
    for benchmark in experiment.benchmarks:
        asked = curves.filter(pl.col("benchmark") == benchmark)
        categories = asked["category"].unique().sort().to_list()
        for category in categories if len(categories) > 1 else []:
            found = final_rows(asked.filter(pl.col("category") == category), experiment)
            rows += [row | {"category": category} for row in found if row["scale"] == benchmark]
    return rows


def difference_rows(curves: pl.DataFrame, experiment: Experiment) -> list[dict[str, Any]]:
    """One row an arm and scale at the last mark: what it differs from the baseline, on the seeds of both."""
    last = experiment.marks[-1]
    return [
        {"arm": arm, "scale": scale, "difference": _difference(pair[0], last, pair[1], last)}
        for arm in experiment.arms
        for scale in experiment.scales
        if arm != experiment.baseline
        and (pair := _paired(curves, experiment, (arm, experiment.baseline), scale)) is not None
    ]


def claim_sentences(curves: pl.DataFrame, experiment: Experiment) -> list[str]:
    """Each claim with its verdict at the last mark."""
    return [_judged(claim, curves, experiment) for claim in experiment.claims]


def _judged(claim: Claim, curves: pl.DataFrame, experiment: Experiment) -> str:
    better, than = experiment.arms[claim.better].label, experiment.arms[claim.than].label
    more = f" by more than {claim.by:g} points" if claim.by else ""
    last = experiment.marks[-1]
    earlier = last if claim.than_at is None else claim.than_at
    plural = "" if earlier == 1 else "s"
    when = "" if earlier == last else f" after {earlier} {experiment.subject.unit}{plural}"
    words = f"{better} is above {than}{when}{more} on {claim.on}"
    pair = _paired(curves, experiment, (claim.better, claim.than), claim.on)
    if pair is None:
        return f"{words}: no seed of both is there yet"
    difference = _difference(pair[0], last, pair[1], earlier)
    return sentence(words, difference, by=claim.by / POINTS, confidence=CONFIDENCE)


@dataclass(frozen=True)
class Spent:
    """What an arm spends until it reaches the goal, and the ratio to the baseline's; None: not reached."""

    arm: str
    cost: dict[str, float | None]
    ratio: dict[str, CostRatio]


def goal_rows(
    curves: pl.DataFrame, runs: pl.DataFrame, experiment: Experiment, goal: Goal
) -> Iterator[Spent]:
    """Every arm that shares a seed with the baseline, on those seeds."""
    for arm in experiment.arms:
        pair = _paired(curves, experiment, (arm, goal.baseline), goal.on)
        if pair is None:
            continue
        spent: dict[str, float | None] = {}
        ratio: dict[str, CostRatio] = {}
        for cost in COSTS:
            one, other = (
                _course(scores, runs, name, cost)
                for scores, name in zip(pair, (arm, goal.baseline), strict=True)
            )
            spent[cost] = reached(one, pair[0].strata, goal.accuracy)
            ratio[cost] = cost_ratio(
                one, other, pair[0].groups, pair[0].strata, target=goal.accuracy, confidence=CONFIDENCE
            )
        yield Spent(arm, spent, ratio)


def _course(scores: Scores, runs: pl.DataFrame, arm: str, cost: str) -> Curves:
    """Costs from 0 at the start to each mark, with the scores there."""
    rows = costs_by_mark(runs).filter(pl.col("arm") == arm).sort("seed", "step")
    paid = [[0.0, *rows.filter(pl.col("seed") == seed)[cost].to_list()] for seed in scores.seeds]
    return Curves(np.array(paid), scores.by_mark)


def _paired(
    curves: pl.DataFrame, experiment: Experiment, arms: tuple[str, str], scale: str
) -> tuple[Scores, Scores] | None:
    """Two arms on the seeds that both have. Raises ProjectError where they answered different items."""
    one, other = (scores_of(curves, experiment, arm, scale) for arm in arms)
    if one is None or other is None or not (seeds := [seed for seed in one.seeds if seed in other.seeds]):
        return None
    if one.items != other.items:
        raise ProjectError(f"{' and '.join(arms)} answered different items of {scale}: nothing to compare")
    return one.of_seeds(seeds), other.of_seeds(seeds)


def _mean(scores: Scores, mark: int) -> CrossedMean:
    return crossed_mean(scores.at(mark), scores.groups, scores.strata, confidence=CONFIDENCE)


def _difference(one: Scores, mark: int, other: Scores, other_mark: int) -> CrossedMean:
    return crossed_difference(
        one.at(mark), other.at(other_mark), one.groups, one.strata, confidence=CONFIDENCE
    )


def _as_row(mean: CrossedMean) -> dict[str, Any]:
    return {
        "accuracy": mean.value,
        "low": mean.low,
        "high": mean.high,
        "seeds": mean.seeds,
        "items": mean.items,
    }
