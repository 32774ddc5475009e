"""Reads a benchmark from a path, as `ingest` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vzero.benchmarks.catalogue import CATALOGUE
from vzero.benchmarks.read import BenchmarkFile, open_benchmark
from vzero.config import Crops
from vzero.untrusted.rejects import Reject

Read = Callable[..., tuple[list[dict[str, Any]], list[Reject], BenchmarkFile]]


@pytest.fixture
def read() -> Read:
    """Items, rejects and the opened file of a benchmark read from a path."""

    def read(
        name: str,
        path: Path,
        na_cells: Any = "pandas",
        max_megapixels: float = 1.0,
        crops: Crops = Crops(),  # noqa: B008
    ):
        bounds: dict[str, Any] = {"na_cells": na_cells, "max_megapixels": max_megapixels}
        file = open_benchmark(CATALOGUE[name], path, **bounds, crops=crops)
        rows = list(file.rows())
        items = [row for row in rows if not isinstance(row, Reject)]
        return items, [row for row in rows if isinstance(row, Reject)], file

    return read
