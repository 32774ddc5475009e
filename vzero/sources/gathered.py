"""Cells of many images in no order, gathered by image on disk: millions of boxes are not held in memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import Any

TABLES = """
create table keys (number integer primary key, key text unique);
create table cells (number integer primary key, key integer, cell text);
create index by_key on cells (key);
"""


class Gathered:
    """What JSON can hold, by a key. To be closed: it is in a file that vanishes then."""

    def __init__(self) -> None:
        # Without a name, SQLite keeps the database in such a file.
        self._database = sqlite3.connect("")
        self._database.executescript(TABLES)

    def __contains__(self, key: str) -> bool:
        return bool(self._database.execute("select 1 from keys where key = ?", [key]).fetchone())

    def add(self, key: str, cell: Any) -> None:
        self._database.execute("insert or ignore into keys (key) values (?)", [key])
        self._database.execute(
            "insert into cells (key, cell) select number, ? from keys where key = ?", [json.dumps(cell), key]
        )

    def of(self, key: str | None) -> list[Any]:
        """The cells of a key, in the order in which they came."""
        joined = (
            "select cell from cells join keys on cells.key = keys.number where keys.key = ? "
            "order by cells.number"
        )
        return [json.loads(cell) for (cell,) in self._database.execute(joined, [key])]

    def groups(self) -> Iterator[tuple[str, list[Any]]]:
        """Each key with its cells, keys and cells in the order in which they came."""
        joined = (
            "select keys.key, cell from keys join cells on cells.key = keys.number "
            "order by keys.number, cells.number"
        )
        for key, rows in groupby(self._database.execute(joined), key=lambda row: row[0]):
            yield key, [json.loads(cell) for _, cell in rows]

    def close(self) -> None:
        self._database.close()
