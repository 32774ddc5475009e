"""A small project of annotated images, for the stages that make tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vzero import imaging
from vzero.config import Ingest, NeedleSource, Params, TableColumns, TableSource
from vzero.paths import Paths

IMAGES = 40


@pytest.fixture(scope="session")
def annotate() -> Callable[[Path, int], Paths]:
    """Makes a project of so many questions about 40 images.

    Three rows cannot be used: 17 has no box, 50 leads out of the image folder, 60 repeats the id of row 3.
    """
    return _annotate


def _annotate(root: Path, count: int) -> Paths:
    (root / "images").mkdir(parents=True)
    for number in range(IMAGES):
        pixels = np.random.default_rng(number).integers(0, 256, (50, 60, 3), dtype=np.uint8)
        (root / f"images/{number}.png").write_bytes(imaging.encode_png(pixels))
    rows = [
        {
            "id": f"r{number}",
            "image": f"{number % IMAGES}.png",
            "question": f"Question {number}?",
            "box": [number % 30, 5, number % 30 + 9 + number % 20, 19 + number % 25],
            "answer": "red",
        }
        for number in range(count)
    ]
    rows[17]["box"] = None
    rows[50]["image"] = "../secret.png"
    rows[60]["id"] = "r3"
    (root / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return Paths(root)


@pytest.fixture(scope="session")
def table_params() -> Params:
    """Params that read the annotated project."""
    table = TableSource(
        rows=Path("rows.jsonl"), images=Path("images"), columns=TableColumns(sample_id="id", answer="answer")
    )
    needle = NeedleSource(samples=60, dev_samples=30, benchmark_questions=2)
    return Params(
        ingest=Ingest(source="table", table=table, needle=needle, shard_images=10, dev_fraction=0.3)
    )
