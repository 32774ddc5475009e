"""Stage `ingest`: read annotated images, check every row, and write the tables everything starts from."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from vzero import shards, tables, workers
from vzero.config import Params
from vzero.evaluate.benchmarks.catalogue import CATALOGUE
from vzero.evaluate.benchmarks.read import open_benchmark
from vzero.evaluate.benchmarks.store import store_benchmark
from vzero.evaluate.contamination import find_overlaps, overlap_counts
from vzero.needle.benchmarks import benchmark_items
from vzero.paths import Paths
from vzero.sources import curation, spill
from vzero.sources.annotation import Source, SourceError
from vzero.sources.catalogue import open_source
from vzero.sources.files import image_places
from vzero.sources.funnel import funnel
from vzero.sources.rejects import Reject
from vzero.sources.verify import describe, verify
from vzero.workers import Completed


def run(params: Params, paths: Paths, *, processes: int | None = None) -> dict[str, Any]:
    """Write images, samples, rejects, their funnel, benchmark items and overlaps, and return the counts.

    Checked batches survive an interruption. The bytes do not depend on where the work is done.
    `SourceError` when the source cannot be read or no row of it can be used.
    """
    started = time.monotonic()
    console = Console()
    source = open_source(params.ingest, paths)
    for notice in source.notices:
        console.print(f"ingest: {source.name}: {notice}", markup=False)
    folder = _run_folder(params, paths, source)
    benchmarks, unusable = _write_benchmarks(params, paths, folder, console)
    with workers.pool(params.compute, processes=processes) as completed:
        rows = _check_rows(params, source, folder, console, completed)
        conventions = verify(params.ingest, paths, folder)
        for line in describe(conventions):
            console.print(f"ingest: {line}", markup=False)
        summary = _merge(params, folder, rows, unusable, completed) | benchmarks
    summary["funnel"] = _write_funnel(params, folder, summary, console)
    summary["box_conventions"] = conventions
    summary["overlapping_items"] = _write_overlaps(params, folder, console)
    shards.publish(folder / "tables/images", paths.images)
    shards.publish(folder / "tables/samples", paths.samples)
    shards.publish(folder / "tables/rejects", paths.rejects)
    shards.publish(folder / "tables/funnel", paths.funnel)
    shards.publish(folder / "benchmark_items", paths.benchmark_items)
    shards.publish(folder / "tables/overlaps", paths.overlaps)
    shards.write_json(paths.ingest_summary, summary)
    shards.discard(folder)
    seconds = time.monotonic() - started
    console.print(f"ingest: {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} a second")
    return summary


def _run_folder(params: Params, paths: Paths, source: Source) -> Path:
    # Names, sizes and times of images and benchmarks stand for their contents, which may be many gigabytes.
    places = [*map(paths.resolve, params.ingest.benchmarks.values()), *image_places(source.images)]
    files = sorted(path for place in places for path in [place, *place.rglob("*")] if path.is_file())
    listing = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    config = {
        "params": params.ingest.model_dump(mode="json"),
        "images": hashlib.sha256(json.dumps(listing).encode()).hexdigest(),
    }
    return shards.run_folder(paths.scratch, "ingest", config=config, inputs=list(source.inputs))


def _check_rows(params: Params, source: Source, folder: Path, console: Console, completed: Completed) -> int:
    """Check all batches that are not done yet; the number of rows of all."""
    if done := spill.count_done(folder):
        console.print(f"ingest: going on, {done} batches are done")
    with Progress(console=console) as progress:
        task = progress.add_task("ingest", total=source.total)
        rows = 0

        def jobs() -> Iterator[tuple]:
            nonlocal rows
            for number, batch in enumerate(source.batches):
                rows += batch.rows
                if spill.is_done(folder, number):
                    progress.advance(task, batch.rows)
                else:
                    yield number, batch, source.images, params.ingest, folder

        for checked in completed(spill.check_batch, jobs()):
            progress.advance(task, checked)
    return rows


def _write_benchmarks(
    params: Params, paths: Paths, folder: Path, console: Console
) -> tuple[dict[str, Any], pl.DataFrame]:
    """Write the embedded and the published benchmarks; counts by published name, and rows of the rejects."""
    target = folder / "benchmark_items"
    drawn = benchmark_items(params.ingest.needle)
    shards.write_table(shards.shard_path(target, 0), drawn, tables.BenchmarkItems)
    counts, rejects, next_shard = {}, [spill.reject_frame([], "")], 1
    for name, path in sorted(params.ingest.benchmarks.items()):
        file = open_benchmark(
            CATALOGUE[name],
            paths.resolve(path),
            na_policy=params.ingest.na_policy,
            max_megapixels=params.ingest.max_megapixels,
        )
        stored = store_benchmark(file, folder / "published" / name, target, next_shard)
        next_shard += stored.shards
        counts[name] = {"items": stored.items, "rejects": len(stored.rejects)}
        rejects.append(spill.reject_frame(stored.rejects, name))
        for notice in file.notices:
            console.print(f"ingest: {name}: {notice}", markup=False)
    return {"benchmarks": counts} if counts else {}, pl.concat(rejects)


def _merge(
    params: Params, folder: Path, rows: int, unusable: pl.DataFrame, completed: Completed
) -> dict[str, Any]:
    """Write the tables under `folder/tables` and return the counts.

    `unusable` are the rejects of benchmarks, which go into the same table.
    """
    source = params.ingest.source
    target = folder / "tables"
    rejects, repeated = spill.collect_rejects(folder, source)
    filtered = _filter_rows(params, folder, repeated)
    rejects = pl.concat([rejects, filtered]).sort("row")
    left_out = repeated | set(filtered["row"])
    everything = pl.concat([rejects, unusable])
    shards.write_table(shards.shard_path(target / "rejects", 0), everything, tables.Rejects)
    jobs = [
        (folder, shard, left_out, target / "images", target / "samples")
        for shard in range(params.ingest.shards)
    ]
    samples = sum(completed(spill.merge_shard, jobs))
    codes = dict(sorted(rejects["code"].value_counts().iter_rows()))
    if samples + len(rejects) != rows:
        raise RuntimeError(f"{rows} rows became {samples} samples and {len(rejects)} rejects")
    if samples == 0:
        found = ", ".join(f"{code}: {count}" for code, count in codes.items())
        raise SourceError(f"{source}: none of {rows} rows can be used ({found or 'the source is empty'})")
    images = len(shards.read(target / "images", tables.Images, ["image_id"]))
    return {"rows": rows, "samples": samples, "images": images, "rejects": codes}


def _filter_rows(params: Params, folder: Path, repeated: set[int]) -> pl.DataFrame:
    """The checked samples that `ingest.filters` leaves out, as rows of the rejects."""
    source = params.ingest.source
    if not curation.switched_on(params.ingest.filters):
        return spill.reject_frame([], source)
    rows = spill.measure_rows(folder, repeated)
    items = shards.read(folder / "benchmark_items", tables.BenchmarkItems, ["benchmark", "item", "pictures"])
    found = curation.left_out(rows, params.ingest, items)
    return spill.reject_frame((Reject(**row) for row in found.iter_rows(named=True)), source)


def _write_funnel(params: Params, folder: Path, summary: dict[str, Any], console: Console) -> dict[str, int]:
    """Write and print how the rows became samples; how many were left after each step."""
    steps = funnel(summary["rows"], summary["rejects"], params.ingest)
    shards.write_table(shards.shard_path(folder / "tables/funnel", 0), steps, tables.Funnel)
    shown = Table("step", "rows", "left out", "parameters")
    for row in steps.iter_rows(named=True):
        left_out = f"{row['left_out']:,}" if row["left_out"] else ""
        shown.add_row(row["name"], f"{row['rows_out']:,}", left_out, row["parameters"])
    console.print(shown)
    return dict(steps.select("name", "rows_out").iter_rows())


def _write_overlaps(params: Params, folder: Path, console: Console) -> dict[str, int]:
    """List the training images that benchmarks show too; the number of such items by benchmark."""
    images = shards.read(folder / "tables/images", tables.Images, ["image_id", "perceptual_hash"])
    items = shards.read(folder / "benchmark_items", tables.BenchmarkItems, ["benchmark", "item", "pictures"])
    overlaps = find_overlaps(images, items, params.ingest.overlap_distance)
    shards.write_table(shards.shard_path(folder / "tables/overlaps", 0), overlaps, tables.Overlaps)
    counts = overlap_counts(overlaps, items)
    for row in counts.filter(pl.col("overlapping_items") > 0).iter_rows(named=True):
        found, same = row["overlapping_items"], row["same_bytes_items"]
        console.print(
            f"ingest: {row['benchmark']}: training images overlap with {found:,} of {row['items']:,} items "
            f"(same bytes: {same:,}); see `vzero show overlaps`",
            markup=False,
        )
    return dict(counts.select("benchmark", "overlapping_items").iter_rows())
