"""The page of an experiment: what was asked, what came out, and what it cost, as one HTML file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from vzero.config import Params
from vzero.evaluate.crossed import CrossedMean
from vzero.evaluate.reaching import CostRatio, Reached
from vzero.evaluate.statistics import POINTS
from vzero.experiments import findings
from vzero.experiments.audits import label_rows
from vzero.experiments.charts import accuracy_curves, colour
from vzero.experiments.settings import Experiment
from vzero.pages import parts
from vzero.pages.charts import render as draw
from vzero.report import names, words

HERE = Path(__file__).parent
AXES = {
    "step": "",
    "seconds": "seconds of training",
    "flops": "FLOPs of training",
    "labels": "labels read",
}
"""What accuracy is drawn against: column of `findings.curve_rows` and title, of steps what marks count."""


def render(
    name: str,
    experiment: Experiment,
    params: Params,
    runs: pl.DataFrame,
    curves: pl.DataFrame,
    audits: pl.DataFrame,
) -> str:
    """The page as HTML, of the cells that are there. `params` are those of an arm."""
    environment = parts.environment(HERE)
    for function in (words.percent, words.points):
        environment.filters[function.__name__] = function
    rows = findings.curve_rows(curves, runs, experiment)
    done = [arm for arm in experiment.arms if arm in rows["arm"]]
    return environment.get_template("experiment.html.jinja").render(
        style=parts.style(),
        name=name,
        experiment=experiment,
        notice=words.notice(params),
        hardware=sorted(runs["hardware"].unique()),
        codes=runs["code_hash"].n_unique(),
        cells=runs.height,
        arms=[{"name": arm, "label": experiment.arms[arm].label} for arm in done],
        colours={arm: colour(number) for number, arm in enumerate(done)},
        labels=names.LABELS,
        claims=findings.claim_sentences(curves, experiment),
        final={(row["arm"], row["scale"]): row for row in findings.final_rows(curves, experiment)},
        categories=_by_category(curves, experiment),
        differences={
            (row["arm"], row["scale"]): row["difference"]
            for row in findings.difference_rows(curves, experiment)
        },
        labels_right={row["arm"]: row for row in label_rows(audits)},
        spent=list(_spent(curves, runs, experiment)),
        costs=_costs(runs, done),
        figures=list(_figures(rows, experiment, done)),
        confidence=f"{findings.CONFIDENCE:.0%}",
    )


def _by_category(curves: pl.DataFrame, experiment: Experiment) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of `findings.category_rows` by benchmark and category, then by arm."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in findings.category_rows(curves, experiment):
        rows.setdefault((row["scale"], row["category"]), {})[row["arm"]] = row
    return rows


def _figures(rows: pl.DataFrame, experiment: Experiment, arms: list[str]) -> Iterator[parts.Figure]:
    """Accuracy against steps on every scale, and on the headline's against what training cost."""
    for scale in experiment.scales:
        for axis, named in AXES.items():
            title = named or experiment.subject.unit
            frame = rows.filter(pl.col("scale") == scale)
            if axis != "step" and (scale != experiment.headline or not frame[axis].max()):
                continue
            shown = frame.with_columns(pl.col("accuracy", "low", "high") * POINTS)
            heading = f"{names.LABELS[scale]}, by {title}"
            chart = accuracy_curves(shown.select("arm", "accuracy", "low", "high", axis), arms, axis, title)
            yield parts.Figure(heading, draw(chart, heading, name=f"{scale}-{axis}"), _extent(frame))


def _extent(rows: pl.DataFrame) -> str:
    """How much a curve's intervals are over."""
    fewest, most = rows["seeds"].min(), rows["seeds"].max()
    return f"{rows['items'].max():,} items, {most if fewest == most else f'{fewest} to {most}'} seeds"


def _costs(runs: pl.DataFrame, arms: list[str]) -> list[dict[str, Any]]:
    """What a cell of each arm took, means over seeds."""
    last = findings.costs_by_mark(runs).group_by("arm", "seed").agg(pl.col("seconds", "flops").max())
    totals = runs.rename({"seconds": "cell_seconds"}).join(last, on=["arm", "seed"])
    table = totals.group_by("arm").agg(
        pl.len().alias("seeds"),
        pl.col("cell_seconds", "seconds", "flops", "labels").mean(),
        pl.col("peak_memory").max(),
    )
    rows = {row["arm"]: row for row in table.iter_rows(named=True)}
    return [rows[arm] for arm in arms]


def _spent(curves: pl.DataFrame, runs: pl.DataFrame, experiment: Experiment) -> Iterator[dict[str, Any]]:
    """What each arm spends until the goal, as text."""
    if experiment.goal is None:
        return
    for row in findings.goal_rows(curves, runs, experiment, experiment.goal):
        yield {
            "arm": row.arm,
            "seconds": _amount(row.cost["seconds"]),
            "flops": _amount(row.cost["flops"]),
            "ratios": {cost: ratio_words(ratio) for cost, ratio in row.ratio.items()},
        }


def _amount(cost: float | None) -> str:
    return "not reached" if cost is None else f"{cost:.3g}"


def ratio_words(ratio: CostRatio) -> str:
    """A ratio of costs with its interval, or why there is none."""
    if ratio.ratio is None:
        return ratio.reached.value
    if ratio.low is None or ratio.high is None:
        return f"{ratio.ratio:.2f} ({ratio.reached.value})"
    assert ratio.reached is Reached.BOTH
    return f"{ratio.ratio:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def metrics(curves: pl.DataFrame, experiment: Experiment) -> dict[str, Any]:
    """The final table as nested numbers for `dvc metrics` and `dvc exp show`; gains are points."""
    nested: dict[str, Any] = {}
    for row in findings.final_rows(curves, experiment):
        mean, gain = row["mean"], row["gain"]
        nested.setdefault(row["arm"], {})[row["scale"]] = {
            "accuracy": _numbers(mean, 1.0),
            "gain": _numbers(gain, POINTS),
            "seeds": mean.seeds,
            "items": mean.items,
        }
    return nested


def _numbers(mean: CrossedMean, unit: float) -> dict[str, float]:
    values = {"value": mean.value, "low": mean.low, "high": mean.high}
    return {key: round(unit * value, 6) for key, value in values.items()}
