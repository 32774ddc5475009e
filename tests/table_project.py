"""A small project of the source `table`: numbered pictures, and rows as a test writes them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from vzero import imaging
from vzero.config import Params, parse_params
from vzero.paths import Paths

PICTURES = 8
BOX = [10, 10, 30, 25]


@cache
def picture(number: int) -> bytes:
    """A PNG of 60 x 50 pixels of noise, another for every number: no two look alike."""
    pixels = np.random.default_rng(number).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    return imaging.encode_png(pixels)


def row(number: int, image: int, *more: int, **changes: Any) -> dict[str, Any]:
    """A question about numbered pictures, with a box on the first."""
    asked = {"id": f"r{number}", "image": f"{image}.png", "more": [f"{each}.png" for each in more]}
    return asked | {"question": f"Question {number}?", "box": BOX, "answer": "red"} | changes


def table_project(root: Path, rows: list[dict[str, Any]], **ingest: Any) -> tuple[Params, Paths]:
    """Its params and paths; nothing is run. `ingest` are further parameters of that section."""
    (root / "images").mkdir(parents=True)
    for number in range(PICTURES):
        (root / f"images/{number}.png").write_bytes(picture(number))
    (root / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    columns = {"sample_id": "id", "more_images": "more", "answer": "answer"}
    table = {"rows": "rows.jsonl", "images": "images", "columns": columns}
    needle = {"samples": 1, "dev_samples": 0, "benchmark_questions": 1}
    settings = {"source": "table", "table": table, "needle": needle, "dev_fraction": 0.0}
    return parse_params({"ingest": settings | ingest}), Paths(root)
