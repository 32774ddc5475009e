"""Stage `ingest`: read annotated images, check every row, and write the tables everything starts from."""

from __future__ import annotations

import operator
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from vzero import runs, shards, tables, workers
from vzero.benchmarks.catalogue import CATALOGUE
from vzero.benchmarks.read import open_benchmark
from vzero.benchmarks.store import store_benchmark
from vzero.config import Ingest, Params
from vzero.ingest import checked_parts, curation, merge
from vzero.ingest.tables import IngestRun, write_tables
from vzero.ingest.verify import describe, verify
from vzero.likeness.overlaps import find_overlaps, overlap_counts
from vzero.needle.benchmarks import benchmark_items
from vzero.paths import Paths
from vzero.progress import LoggedProgress, counted_columns
from vzero.sources.annotation import Source
from vzero.sources.catalogue import open_source
from vzero.untrusted.files import image_places, unwatched


def run(params: Params, paths: Paths, *, processes: int | None = None) -> dict[str, Any]:
    """Write all tables of the data, what was left out of them and why, and return the counts.

    Checked batches survive an interruption. The bytes do not depend on where the work is done.
    Raises SourceError when the source cannot be read or no row of it can be used.
    """
    started = time.monotonic()
    console = Console()
    sources = _open_sources(params, paths, console)
    for source in sources:
        for notice in source.notices:
            console.print(f"ingest: {source.name}: {notice}", markup=False)
        for place in unwatched([*source.inputs, *image_places(source.images)], paths.raw):
            notice = f"DVC does not notice changes in {place}: run `dvc repro --force ingest` after them"
            console.print(f"ingest: {source.name}: {notice}", markup=False)
    with _run_folder(params, paths, sources) as folder:
        rows, summary = _make_tables(params, paths, sources, folder, console, processes)
        _publish(paths, folder, summary)
    seconds = time.monotonic() - started
    total = rows.total()
    console.print(f"ingest: {total:,} rows in {seconds:.1f} s, {total / seconds:,.0f} a second")
    return summary


def _make_tables(
    params: Params, paths: Paths, sources: list[Source], folder: Path, console: Console, processes: int | None
) -> tuple[Counter[str], dict[str, Any]]:
    """Write all tables into the run's folder; the number of rows by source, and the summary."""
    benchmarks, unusable = _write_benchmarks(params, paths, folder, console)
    with workers.pool(params.compute, processes=processes) as completed:
        run = IngestRun(params, sources, folder, console, completed)
        rows = _check_rows(run, paths)
        conventions = verify(params.ingest, paths, folder)
        for line in describe(conventions, params.ingest):
            console.print(f"ingest: {line}", markup=False)
        summary = write_tables(run, rows, unusable) | benchmarks
    summary["box_conventions"] = conventions
    summary["overlapping_items"] = _write_overlaps(params, folder, console)
    return rows, summary


def _publish(paths: Paths, folder: Path, summary: dict[str, Any]) -> None:
    runs.check_inputs_or_discard(folder)
    with runs.publishing(folder):
        runs.publish(folder / "tables/images", paths.images)
        runs.publish(folder / "tables/samples", paths.samples)
        runs.publish(folder / "tables/rejects", paths.rejects)
        runs.publish(folder / "tables/funnel", paths.funnel)
        runs.publish(folder / "tables/cleanings", paths.cleanings)
        runs.publish(folder / "tables/objects", paths.objects)
        runs.publish(folder / "benchmark_items", paths.benchmark_items)
        runs.publish(folder / "tables/overlaps", paths.overlaps)
        shards.write_json(paths.ingest_summary, summary)
    shards.discard(folder)


def _open_sources(params: Params, paths: Paths, console: Console) -> list[Source]:
    """All sources; a bar shows how far tar files of images are indexed, which is done once."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    sources = []
    with Progress(*columns, console=console) as progress:
        for name in params.ingest.sources:
            task = progress.add_task(f"ingest: {name}: indexing tar files", visible=False)

            def advance(done: int, total: int, task: TaskID = task) -> None:
                progress.update(task, completed=done, total=total, visible=True)

            sources.append(open_source(name, params.ingest, paths, advance))
    return sources


def _run_folder(params: Params, paths: Paths, sources: list[Source]) -> AbstractContextManager[Path]:
    # Names, sizes and times of images and benchmarks stand for their contents, which may be many gigabytes.
    places = [paths.resolve(path) for path in params.ingest.benchmarks.values()]
    places += [place for source in sources for place in image_places(source.images)]
    config = {
        "params": params.ingest.decisive(),
        "crops": params.crops.model_dump(include={"format", "margin", "min_side", "upscale"}),
        "images": shards.listing_hash(places),
    }
    inputs = [path for source in sources for path in source.inputs]
    return runs.run_folder(paths.scratch, "ingest", code=__name__, config=config, inputs=inputs)


def _check_rows(run: IngestRun, paths: Paths) -> Counter[str]:
    """Check all batches that are not done yet; the number of rows of all, by source."""
    folder, sources, settings = run.folder, run.sources, run.params.ingest
    if done := checked_parts.count_done(folder):
        run.console.print(f"ingest: going on, {done} batches are done")
    config = _with_paths(settings, paths)
    opened = {source.name: source.images for source in sources}
    totals = [source.total for source in sources]
    rows: Counter[str] = Counter()
    with LoggedProgress(*counted_columns("rows"), console=run.console) as progress:
        task = progress.add_task("ingest: rows", total=None if None in totals else sum(filter(None, totals)))
        first = merge.FirstShards(folder, settings.shard_images)
        # Of rows that a filter may leave out, nothing is written before all are known.
        early = not curation.switched_on(settings.filters)

        def jobs() -> Iterator[tuple]:
            batches = ((source, batch) for source in sources for batch in source.batches)
            for number, (source, batch) in enumerate(batches):
                rows[source.name] += batch.rows
                if checked_parts.is_done(folder, number):
                    progress.advance(task, batch.rows)
                else:
                    yield checked_parts.check_batch, number, batch, source.name, source.images, config, folder
                for shard in first.complete() if early else ():
                    yield merge.write_images, folder, shard, opened, folder / "tables/images"

        for checked in run.completed(operator.call, jobs()):
            if isinstance(checked, int):
                progress.advance(task, checked)
    return rows


def _with_paths(config: Ingest, paths: Paths) -> Ingest:
    """With the path that the workers need."""
    tokens = config.filters.prompt_tokens
    if tokens is None:
        return config
    resolved = tokens.model_copy(update={"processor": paths.resolve(tokens.processor)})
    filters = config.filters.model_copy(update={"prompt_tokens": resolved})
    return config.model_copy(update={"filters": filters})


def _write_benchmarks(
    params: Params, paths: Paths, folder: Path, console: Console
) -> tuple[dict[str, Any], pl.DataFrame]:
    """Write the embedded and the published benchmarks; counts by published name, and rows of the rejects."""
    target = folder / "benchmark_items"
    drawn = benchmark_items(params.ingest.needle, params.crops)
    for (name,), items in drawn.group_by("benchmark"):
        shards.write_table(shards.shard_path(target / str(name), 0), items, tables.BenchmarkItems)
    counts, rejects = {}, [checked_parts.reject_frame([], "")]
    for name, path in sorted(params.ingest.benchmarks.items()):
        file = open_benchmark(
            CATALOGUE[name],
            paths.resolve(path),
            na_cells=params.ingest.na_cells,
            max_megapixels=params.ingest.max_megapixels,
            crops=params.crops,
        )
        stored = store_benchmark(file, folder / "published" / name, target / name)
        counts[name] = {"items": stored.items, "rejects": len(stored.rejects)}
        rejects.append(checked_parts.reject_frame(stored.rejects, name))
        for notice in file.notices:
            console.print(f"ingest: {name}: {notice}", markup=False)
    return {"benchmarks": counts} if counts else {}, pl.concat(rejects)


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
