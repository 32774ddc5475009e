"""The stored results of an experiment: a folder a cell, with its rows of each table."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import polars as pl

from vzero.experiments.cells import Cell
from vzero.experiments.tables import Audits, Curves, Runs
from vzero.shards import atomic_folder, read, shard_path, write_table

Schema = TypeVar("Schema", type[Runs], type[Curves], type[Audits])


def add(
    results: Path, cell: Cell, run: pl.DataFrame, curves: pl.DataFrame, audits: pl.DataFrame | None
) -> None:
    """Put a finished cell in the place of an earlier one of the same arm and seed."""
    with atomic_folder(results / cell.name) as folder:
        write_table(shard_path(folder / "runs", 0), run, Runs)
        write_table(shard_path(folder / "curves", 0), curves, Curves)
        if audits is not None:
            write_table(shard_path(folder / "audits", 0), audits, Audits)


def twin(results: Path, cell: Cell) -> Path | None:
    """A finished cell of another experiment that is the same but for its name."""
    others = sorted(results.parent.glob("[!.]*/*/runs"))
    return next((runs.parent for runs in others if runs.parents[1] != results and _is(runs, cell)), None)


def take_over(results: Path, cell: Cell, other: Path) -> None:
    """Store what another experiment has found for a cell, under this one's name for it."""
    named = {"arm": pl.lit(cell.arm), "seed": pl.lit(cell.seed, pl.Int64)}
    run = read(other / "runs", Runs).with_columns(**named)
    curves = read(other / "curves", Curves).with_columns(**named)
    audits = read(other / "audits", Audits).with_columns(**named) if (other / "audits").is_dir() else None
    add(results, cell, run, curves, audits)


def read_runs(results: Path) -> pl.DataFrame:
    """tables.Runs of all cells that are there."""
    return _read(results, "runs", Runs)


def read_curves(results: Path) -> pl.DataFrame:
    """tables.Curves of all cells that are there."""
    return _read(results, "curves", Curves)


def read_audits(results: Path) -> pl.DataFrame:
    """tables.Audits of all cells of self-play that are there."""
    return _read(results, "audits", Audits)


def done(results: Path, cell: Cell) -> bool:
    """Whether this very cell is there: of the same parameters, data and code."""
    folder = results / cell.name / "runs"
    return folder.is_dir() and _is(folder, cell)


def _is(folder: Path, cell: Cell) -> bool:
    """Whether rows of Runs are of a cell's parameters, data and code."""
    hashes = {"params_hash": cell.params_hash, "code_hash": cell.code_hash}
    return read(folder, Runs).row(0, named=True).items() >= hashes.items()


def _read(results: Path, name: str, schema: Schema) -> pl.DataFrame:
    folders = sorted(results.glob(f"[!.]*/{name}"))
    return pl.concat([schema.create_empty(), *(read(folder, schema) for folder in folders)])
