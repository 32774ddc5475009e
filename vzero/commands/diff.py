"""`vzero diff`: what came, went or changed in a table between two versions of the data."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from vzero.commands.changes import changes
from vzero.commands.versions import files_at
from vzero.errors import ConfigError
from vzero.paths import Paths
from vzero.shards import ABSENT, atomic_path
from vzero.tables import TABLES

KEYS = {
    "images": ["image_id"],
    "samples": ["sample_id"],
    "crops": ["sample_id"],
    "rejects": ["source", "row"],
}


def run(one: str, other: str, table: str, paths: Paths, out: Path | None) -> pl.DataFrame:
    """Print the counts, write the rows to `out`, and return them as `changes` does.

    Files with the same bytes on both sides are not read. Raises ConfigError for an unknown
    table, and VersionError for an unknown revision.
    """
    if table not in KEYS:
        raise ConfigError(f"{table!r} has no versions to compare: allowed: {', '.join(KEYS)}")
    place = getattr(Paths(), table)
    before, after = (files_at(paths.root, revision, place) for revision in (one, other))
    same = before.keys() & after.keys()
    found = changes(
        [file for name, file in before.items() if name not in same],
        [file for name, file in after.items() if name not in same],
        KEYS[table],
        ABSENT.get(TABLES[table], {}),
    )
    if out is not None:
        with atomic_path(out) as temporary:
            found.write_parquet(temporary, compression="zstd")
    _print(f"{table}, {one} to {other}", found, same=len(same), files=len(after))
    return found


def _print(title: str, found: pl.DataFrame, *, same: int, files: int) -> None:
    console = Console()
    counts = dict(found["change"].value_counts().iter_rows())
    said = ", ".join(f"{counts.get(change, 0):,} {change}" for change in ("came", "went", "changed"))
    console.print(
        f"{title}: {said}; {same} of {files} files are the same and were not read",
        markup=False,
        soft_wrap=True,
    )
    by_column = found["columns"].explode().drop_nulls().value_counts()
    if by_column.is_empty():
        return
    table = Table("changed column", "rows")
    for name, count in by_column.sort("count", "columns", descending=[True, False]).iter_rows():
        table.add_row(name, f"{count:,}")
    console.print(table)
