"""What a stored experiment of the embedded world found, by whether a salient object gives a wrong answer.

`python -m bench.lures NAME` prints the accuracy of every arm at the last mark, and its points above the start
with their 95 % interval over items and seeds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from vzero.config import NeedleSource
from vzero.evaluate.statistics import POINTS
from vzero.experiments.findings import final_rows
from vzero.experiments.results import read_curves
from vzero.experiments.settings import load_experiment
from vzero.needle.benchmarks import lures
from vzero.paths import Paths


def by_lure(name: str, paths: Paths) -> pl.DataFrame:
    """A row an arm, benchmark and kind of item."""
    experiment, known = load_experiment(paths.experiment(name)), lures(NeedleSource())
    curves = read_curves(paths.experiment_results(name)).join(known, on=["benchmark", "item"])
    rows = []
    for lured in (True, False):
        for found in final_rows(curves.filter(lured=lured), experiment):
            mean, gain = found["mean"], found["gain"]
            rows.append(
                {
                    "benchmark": found["scale"],
                    "lured": lured,
                    "arm": found["arm"],
                    "items": mean.items,
                    "seeds": mean.seeds,
                    "accuracy": mean.value,
                    "gain": POINTS * gain.value,
                    "gain_low": POINTS * gain.low,
                    "gain_high": POINTS * gain.high,
                }
            )
    return pl.DataFrame(rows).sort("benchmark", "lured", maintain_order=True)


def main() -> None:
    shown = {"tbl_rows": -1, "tbl_cols": -1, "tbl_hide_column_data_types": True, "float_precision": 3}
    with pl.Config(**shown):
        print(by_lure(sys.argv[1], Paths(Path())))


if __name__ == "__main__":
    main()
