"""What the page says of the data beside the results."""

from __future__ import annotations

from pathlib import Path

from example_run import write_example

from vzero.report.facts import run_facts
from vzero.report.inputs import read_inputs


def test_the_overlap_with_every_evaluated_benchmark_is_told(tmp_path: Path) -> None:
    inputs = read_inputs(*write_example(tmp_path, params={"evaluate": {"benchmarks": ["zoom", "coarse"]}}))
    told = {table.heading: dict(table.rows) for table in run_facts(inputs)}
    assert told["Training images that resemble benchmark images"] == {
        "coarse": "0 of 24 items; same bytes: 0; training images: 0",
        "zoom": "2 of 24 items; same bytes: 1; training images: 1",
    }
