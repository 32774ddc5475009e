"""How time and memory of `ingest` and `crops` grow with the rows. Not part of `make bench`: it takes minutes.

`python -m bench.scale 1000 10000` measures both stages at these numbers of small photos, each in a
process of its own, and writes `bench/results/scale.parquet`. Memory is the largest sum of the resident
memory of the stage's processes, looked at ten times a second; pages that they share count several times.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import sys
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import psutil

from vzero import shards
from vzero.config import Ingest, NeedleSource, Params, TableSource
from vzero.paths import Paths
from vzero.stages import crops, ingest

RESULTS = Path("bench/results/scale.parquet")
SIDES = 320, 240


def write_rows(root: Path, count: int) -> None:
    """Small photos, 20 to 30 kB each, and one question about each of them."""
    (root / "images").mkdir()
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 12, (SIDES[1] + 200, SIDES[0] + 200, 3)).astype(np.float32)
    with (root / "rows.jsonl").open("w") as file:
        for number in range(count):
            x, y = (int(value) for value in rng.integers(0, 200, 2))
            shades = cv2.resize(rng.normal(120, 60, (6, 8, 3)).astype(np.float32), SIDES)
            pixels = np.clip(shades + noise[y : y + SIDES[1], x : x + SIDES[0]], 0, 255).astype(np.uint8)
            (root / f"images/{number}.jpg").write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())
            row = {
                "image": f"{number}.jpg",
                "question": f"What is at {number}?",
                "box": [x, y, x + 40, y + 30],
            }
            file.write(json.dumps(row) + "\n")


def run_stage(name: str, root: Path) -> None:
    table = TableSource(rows=Path("rows.jsonl"), images=Path("images"))
    params = Params(ingest=Ingest(source="table", table=table, needle=NeedleSource(benchmark_questions=1)))
    {"ingest": ingest, "crops": crops}[name].run(params, Paths(root))


def watch(process: psutil.Process, ended: threading.Event, peaks: list[int]) -> None:
    while not ended.wait(0.1):
        total = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        peaks.append(total)


def measure(name: str, root: Path, rows: int) -> dict[str, object]:
    started, ended, peaks = time.perf_counter(), threading.Event(), [0]
    child = multiprocessing.get_context("spawn").Process(target=run_stage, args=(name, root))
    child.start()
    watcher = threading.Thread(target=watch, args=(psutil.Process(child.pid), ended, peaks))
    watcher.start()
    child.join()
    ended.set()
    watcher.join()
    if child.exitcode != 0:
        raise RuntimeError(f"{name} at {rows} rows failed")
    seconds = time.perf_counter() - started
    machine = f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f}"
    return {
        "stage": name,
        "rows": rows,
        "seconds": seconds,
        "rows_a_second": rows / seconds,
        "peak_gib": max(peaks) / 2**30,
        "measured_on": f"{machine}, photos of {SIDES[0]} x {SIDES[1]} pixels",
    }


def main() -> None:
    found = []
    for rows in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            write_rows(Path(folder), rows)
            for name in ("ingest", "crops"):
                found.append(measure(name, Path(folder), rows))
                print(found[-1], flush=True)
    with shards.atomic_path(RESULTS) as temporary:
        pl.DataFrame(found).write_parquet(temporary)


if __name__ == "__main__":
    main()
