"""Rows of a table by their ids, without reading the pictures of all others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from vzero.shards import scan


def rows_by_id(
    folder: Path, schema: type[dy.Schema], key: str, ids: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Rows whose `key` is among `ids`, keyed by it; ids that the table lacks are left out."""
    wanted = sorted(set(ids))
    rows = scan(folder, schema).filter(pl.col(key).is_in(wanted)).collect()
    return {row[key]: row for row in rows.iter_rows(named=True)}
