"""Run every benchmark, print the table and write `data/bench/results.parquet`."""

from __future__ import annotations

from itertools import chain

from benchmarks import data_stages, predictions
from benchmarks.engine import cases
from benchmarks.measurements import Measurement, show, store


def main() -> None:
    measured: list[Measurement] = []
    for measurement in chain(cases.measure(), data_stages.measure(), predictions.measure()):
        print(measurement, flush=True)
        measured.append(measurement)
    show(store(measured))


if __name__ == "__main__":
    main()
