"""Run every benchmark, print the table and write `data/bench/results.parquet`; or print what is named."""

from __future__ import annotations

from itertools import chain
from typing import Literal

import cyclopts

from bench import data_stages, plan_errors, predictions, stored_scores, tf32, votes
from bench.engine import cases
from bench.measurements import Measurement, show, store, table_of

MODULES = {
    "engine": cases,
    "data": data_stages,
    "predictions": predictions,
    "scores": stored_scores,
    "votes": votes,
    "plan": plan_errors,
    "tf32": tf32,
}


def main(*names: Literal["engine", "data", "predictions", "scores", "votes", "plan", "tf32"]) -> None:
    """Measure.

    Parameters
    ----------
    names
        Of what is measured; without one everything is, and stored.
    """
    measured: list[Measurement] = []
    for measurement in chain.from_iterable(MODULES[name].measure() for name in names or MODULES):
        print(measurement, flush=True)
        measured.append(measurement)
    show(table_of(measured) if names else store(measured))


if __name__ == "__main__":
    cyclopts.run(main)
