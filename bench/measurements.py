"""What the benchmarks found: rows of one table, printed and stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from vzero import shards

RESULTS = Path("data/bench/results.parquet")
SCHEMA = {
    "case": pl.String,
    "variant": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "ratio_to_baseline": pl.Float64,
}


@dataclass(frozen=True)
class Measurement:
    """One number. The ratio says how many times faster than the case's baseline a variant is, or, for
    memory, what share of the baseline's it takes; None where nothing is compared."""

    case: str
    variant: str
    metric: str
    value: float
    unit: str
    ratio_to_baseline: float | None = None

    def __str__(self) -> str:
        compared = f"  ({self.ratio_to_baseline:.2f} of the baseline)" if self.ratio_to_baseline else ""
        return f"{self.case}  {self.variant}  {self.metric}: {self.value:.3g} {self.unit}{compared}"


def compare_seconds(
    case: str, seconds: Mapping[str, float], *, baseline: str, metric: str = "seconds"
) -> list[Measurement]:
    """One row a variant, with how many times faster than the baseline it is."""
    return [
        Measurement(case, variant, metric, value, "s", seconds[baseline] / value)
        for variant, value in seconds.items()
    ]


def table_of(measurements: Iterable[Measurement]) -> pl.DataFrame:
    return pl.DataFrame([asdict(measurement) for measurement in measurements], schema=SCHEMA)


def store(measurements: Iterable[Measurement]) -> pl.DataFrame:
    """Write the table to `RESULTS` and return it."""
    table = table_of(measurements)
    with shards.atomic_path(RESULTS) as temporary:
        table.write_parquet(temporary)
    return table


def show(table: pl.DataFrame) -> None:
    with pl.Config(
        tbl_rows=-1,
        tbl_width_chars=120,
        float_precision=3,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
    ):
        print(table)
