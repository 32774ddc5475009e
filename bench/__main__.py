"""Run every benchmark, print the table and write `data/bench/results.parquet`."""

from __future__ import annotations

from itertools import chain

from bench import data_stages, predictions, stored_scores, votes
from bench.engine import cases
from bench.measurements import Measurement, show, store


def main() -> None:
    measured: list[Measurement] = []
    modules = cases, data_stages, predictions, stored_scores, votes
    for measurement in chain.from_iterable(module.measure() for module in modules):
        print(measurement, flush=True)
        measured.append(measurement)
    show(store(measured))


if __name__ == "__main__":
    main()
