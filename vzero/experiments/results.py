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
    if not folder.is_dir():
        return False
    return (
        read(folder, Runs).row(0, named=True).items()
        >= {
            "params_hash": cell.params_hash,
            "code_hash": cell.code_hash,
        }.items()
    )


def _read(results: Path, name: str, schema: Schema) -> pl.DataFrame:
    folders = sorted(results.glob(f"[!.]*/{name}"))
    return pl.concat([schema.create_empty(), *(read(folder, schema) for folder in folders)])
