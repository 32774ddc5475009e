"""`vzero export`: the tables in another project's form. No stage of the graph, as nothing here reads it."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from vzero import runs, shards, workers
from vzero.commands.verl_shard import Split, TableShard, count_rows, write_shard
from vzero.config import Compute
from vzero.errors import ConfigError, ProjectError
from vzero.paths import Paths
from vzero.progress import LoggedProgress

SPLITS: tuple[Split, ...] = ("train", "dev")


def verl(
    paths: Paths,
    out: Path,
    *,
    split: Split | None = None,
    shard_rows: int = 1000,
    processes: int | None = None,
) -> dict[str, Any]:
    """Write samples, images and crops to `out` as the reference code reads them; the counts.

    Files are `train-SSSSS-NNNNN.parquet` and `dev-...`, where S is our shard, with at most `shard_rows` rows
    each. `out` is replaced at the end; raises ConfigError when it holds anything else. Finished files
    survive an interruption. The bytes do not depend on the number of processes.
    """
    started = time.monotonic()
    _check_target(out)
    splits = SPLITS if split is None else (split,)
    inputs = [paths.images, paths.samples, paths.crops]
    seen = shards.listing_hash(inputs)
    tables = _table_shards(paths)
    config = {"splits": splits, "shard_rows": shard_rows}
    with runs.run_folder(
        paths.scratch, "export-verl", code=__name__, config=config, inputs=inputs, seen=seen
    ) as folder:
        exported, reasons = _write_files(paths, tables, folder / "files", splits, shard_rows, processes)
        runs.check_inputs_or_discard(folder)
        runs.publish(folder / "files", out)
        shards.discard(folder)
    rows, seconds = exported.total(), time.monotonic() - started
    Console().print(f"export: {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} a second")
    return {**{name: exported[name] for name in splits}, "left_out": dict(sorted(reasons.items()))}


def _write_files(
    paths: Paths,
    tables: list[TableShard],
    target: Path,
    splits: tuple[Split, ...],
    shard_rows: int,
    processes: int | None,
) -> tuple[Counter[str], Counter[str]]:
    """Write the files that are not there yet; the rows of each split, and why others are left out."""
    target.mkdir(exist_ok=True)
    counts = [count_rows(table, splits) for table in tables]
    exported = sum((exported for exported, _ in counts), Counter())
    if not exported:
        raise ProjectError(f"{paths.crops}: no row of {' or '.join(splits)} that can be exported")
    jobs = _jobs(tables, [exported for exported, _ in counts], splits, target, shard_rows)
    waiting = [job for job in jobs if not all(path.is_file() for path in job[3])]
    console = Console()
    if len(waiting) < len(jobs):
        console.print(f"export: going on, {len(jobs) - len(waiting)} of {len(jobs)} shards are done")
    with LoggedProgress(console=console) as progress:
        task = progress.add_task("export", total=len(waiting))
        with workers.pool(Compute(), processes=processes) as completed:
            for _ in completed(write_shard, waiting):
                progress.advance(task)
    return exported, sum((reasons for _, reasons in counts), Counter())


def _check_target(out: Path) -> None:
    """The folder is replaced, so it must hold nothing but an earlier export."""
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: not a folder")
    ours = [*out.glob("train-*.parquet"), *out.glob("dev-*.parquet")]
    if out.is_dir() and (others := sorted(set(out.iterdir()) - set(ours))):
        raise ConfigError(f"{out}: holds {others[0].name}, which is no earlier export; name another folder")


def _table_shards(paths: Paths) -> list[TableShard]:
    names = [path.name for path in shards.files(paths.crops)]
    if not names:
        raise ProjectError(f"{paths.crops}: no table there; run crops first")
    if names != [path.name for path in shards.files(paths.samples)]:
        raise ProjectError(f"{paths.crops}: not the crops of {paths.samples}; run crops again")
    return [TableShard(paths.images / name, paths.samples / name, paths.crops / name) for name in names]


def _jobs(
    tables: list[TableShard],
    counts: list[Counter[str]],
    splits: tuple[Split, ...],
    folder: Path,
    shard_rows: int,
) -> list[tuple[TableShard, Split, int, list[Path], int]]:
    """Arguments of `write_shard` for every shard and split with rows; indices go on from shard to shard."""
    jobs, first = [], Counter()
    for number, (table, count) in enumerate(zip(tables, counts, strict=True)):
        for split in splits:
            files = range(-(-count[split] // shard_rows))
            names = [folder / f"{split}-{number:05d}-{file:05d}.parquet" for file in files]
            if names:
                jobs.append((table, split, first[split], names, shard_rows))
            first[split] += count[split]
    return jobs
