"""How near `ingest` and `crops` come to the least work on the same photos, with all cores.

The baseline of `ingest` reads, hashes (SHA-256) and decodes every photo; that of `crops` decodes it, cuts two
windows of the size that the stage cuts, enlarges and encodes them. Neither checks, draws places or writes
tables.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import photos
from bench.measurements import Measurement
from bench.timing import best_seconds, timed
from vzero import geometry, imaging, workers
from vzero.config import Compute, Crops, Ingest, NeedleSource, Params, TableSource
from vzero.crops.positive import positive_view
from vzero.paths import Paths
from vzero.stages import crops, ingest

PHOTOS, COPIES = 60, 24  # so many that starting processes, a second or two, hardly counts
ROUNDS = 2
TOGETHER = 10  # photos a job of the bare loops


def measure() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        paths = photos.write_photos(root / "images", PHOTOS, COPIES)
        photos.annotate(paths, root / "rows.jsonl")
        yield from compare(root, paths)


def compare(root: Path, images: list[Path]) -> Iterator[Measurement]:
    """Rates of both stages beside their baselines; `root` holds `rows.jsonl` and `images/`."""
    table = TableSource(rows=Path("rows.jsonl"), images=Path("images"))
    world = NeedleSource(benchmark_questions=1)
    params = Params(ingest=Ingest(source="table", table=table, needle=world))
    project = Paths(root)
    rows = [json.loads(line) for line in (root / "rows.jsonl").read_text().splitlines()]
    marked = [(root / "images" / row["image"], row["box"]) for row in rows]
    stages: dict[str, tuple[Callable[..., Any], Callable[[], object]]] = {
        "ingest": (_hash_and_decode, lambda: ingest.run(params, project)),
        "crops": (_cut_and_encode, lambda: crops.run(params, project)),
    }
    for case, (bare, stage) in stages.items():
        variants = {"bare loop": timed(lambda bare=bare: _all_cores(bare, marked)), "stage": timed(stage)}
        seconds = best_seconds(variants, rounds=ROUNDS)
        for variant, value in seconds.items():
            rate = len(images) / value
            ratio = seconds["bare loop"] / value
            yield Measurement(case, variant, "rate", rate, "photos/s", ratio)


def _all_cores(bare: Callable[..., Any], marked: list[tuple[Path, list[int]]]) -> None:
    jobs = ((marked[start : start + TOGETHER],) for start in range(0, len(marked), TOGETHER))
    with workers.pool(Compute()) as completed:
        for _ in completed(bare, jobs):
            pass


def _hash_and_decode(marked: list[tuple[Path, list[int]]]) -> None:
    for path, _ in marked:
        data = path.read_bytes()
        hashlib.sha256(data).hexdigest()
        imaging.decode(data)


def _cut_and_encode(marked: list[tuple[Path, list[int]]]) -> None:
    config = Crops()
    for path, (x1, y1, x2, y2) in marked:
        pixels = imaging.decode(path.read_bytes())
        view, box = positive_view(pixels, (x1, y1, x2, y2), config)
        width, height = geometry.sides(box)
        imaging.encode_png(view)
        imaging.encode_png(imaging.enlarge(pixels[:height, :width], config.upscale))
