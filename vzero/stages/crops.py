"""Stage `crops`: cut the positive and the negative evidence view of every sample that has a box."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from vzero import runs, shards, tables, workers
from vzero.config import Params
from vzero.crops.shard import write_shard
from vzero.errors import ProjectError
from vzero.paths import Paths
from vzero.progress import LoggedProgress


def run(params: Params, paths: Paths, *, processes: int | None = None) -> dict[str, Any]:
    """Write the crops table, one job a shard, and return how many samples got which kind of negative.

    Where no sample has a box, the table has no rows. Finished shards survive an interruption. The bytes do
    not depend on where the work is done.
    """
    started = time.monotonic()
    console = Console()
    inputs = [paths.images, paths.samples]
    seen = shards.listing_hash(inputs)
    names = _shard_names(paths)
    config = params.crops.model_dump(mode="json")
    with runs.run_folder(
        paths.scratch, "crops", code=__name__, config=config, inputs=inputs, seen=seen
    ) as folder:
        without_box = _without_box(paths, console)
        cut = _cut(params, paths, names, folder, console, processes)
        summary = _summarize(folder / "crops") | without_box
        runs.check_inputs_or_discard(folder)
        with runs.publishing(folder):
            runs.publish(folder / "crops", paths.crops)
            shards.write_json(paths.crops_summary, summary)
        shards.discard(folder)
    seconds = time.monotonic() - started
    console.print(f"crops: {cut:,} samples in {seconds:.1f} s, {cut / seconds:,.0f} a second")
    return summary


def _cut(
    params: Params, paths: Paths, names: list[str], folder: Path, console: Console, processes: int | None
) -> int:
    """Make the shards that are not done yet; how many samples they have."""
    waiting = [name for name in names if not (folder / "crops" / name).is_file()]
    # Long jobs first, so that all workers end at about the same time.
    waiting.sort(key=lambda name: (paths.images / name).stat().st_size, reverse=True)
    jobs = [
        (paths.images / name, paths.samples / name, folder / "crops" / name, params.crops) for name in waiting
    ]
    if len(jobs) < len(names):
        console.print(f"crops: going on, {len(names) - len(jobs)} of {len(names)} shards are done")
    cut = 0
    with (
        LoggedProgress(console=console) as progress,
        workers.pool(params.compute, processes=processes) as completed,
    ):
        task = progress.add_task("crops: shards", total=len(jobs))
        for samples in completed(write_shard, jobs):
            cut += samples
            progress.advance(task)
    return cut


def _shard_names(paths: Paths) -> list[str]:
    """File names of the samples' shards; every one must have its images beside it."""
    names = [path.name for path in shards.files(paths.samples)]
    if not names:
        raise ProjectError(f"{paths.samples}: no table there; run ingest first")
    if without := [name for name in names if not Path(paths.images / name).is_file()]:
        raise ProjectError(f"{paths.images / without[0]}: the images of these samples are missing")
    return names


def _summarize(crops: Path) -> dict[str, Any]:
    rows = shards.scan(crops, tables.Crops).select("fallback", more=pl.col("more_negatives").list.len())
    codes, more = rows.collect()
    counts = {code: int((codes.cast(str) == code).sum()) for code in tables.FALLBACKS}
    return {
        "samples": len(codes),
        "negatives": len(codes) - counts["none"] + int(more.sum()),  # fewer than asked where places ran out
        "fallback": counts,
    }


def _without_box(paths: Paths, console: Console) -> dict[str, int]:
    """The samples that nothing is cut of, where there are any."""
    boxes = shards.scan(paths.samples, tables.Samples, ["evidence_box"])
    count = boxes.select(pl.col("evidence_box").is_null().sum()).collect().item()
    if count:
        console.print(f"crops: {count:,} samples have no box, and so no crops")
    return {"without_box": count} if count else {}
