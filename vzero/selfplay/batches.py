"""A table written a batch of rows at a time, so that a killed stage goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from rich.console import Console

from vzero.config import Params, decisive
from vzero.paths import Paths
from vzero.progress import LoggedProgress
from vzero.runs import check_inputs_or_discard, publish, publishing, run_folder
from vzero.selfplay.chain import SUMMARY
from vzero.shards import atomic_folder, discard, read, shard_path, write_json, write_table

ROWS = 50  # a batch


@dataclass(frozen=True)
class Written:
    """A table of a stage and iteration, and what it is made of."""

    name: str
    """Of the stage and iteration, such as votes-1."""
    code: str
    table: str
    schema: type[dy.Schema]
    inputs: Sequence[Path]
    target: Path
    """Folder that gets the table and its summary."""


def write_in_batches(
    rows: pl.DataFrame,
    write: Callable[[pl.DataFrame], pl.DataFrame],
    written: Written,
    params: Params,
    paths: Paths,
) -> pl.DataFrame:
    """The whole table, of `write(batch)` for every batch of the rows; published when it is complete."""
    config = {
        "selfplay": params.selfplay.model_dump(mode="json"),
        "models": params.models.model_dump(mode="json"),
        "rollout": decisive(params.rollout),
    }
    inputs = list(written.inputs)
    run = run_folder(paths.scratch, written.name, code=written.code, config=config, inputs=inputs)
    with run as folder, LoggedProgress(console=Console()) as progress:
        task = progress.add_task(written.name, total=rows.height)
        for number, start in enumerate(range(0, rows.height, ROWS)):
            batch, shard = rows[start : start + ROWS], shard_path(folder / written.table, number)
            if not shard.is_file():
                write_table(shard, write(batch), written.schema)
            progress.advance(task, batch.height)
        if rows.is_empty():
            write_table(shard_path(folder / written.table, 0), written.schema.create_empty(), written.schema)
        check_inputs_or_discard(folder)
        found = read(folder / written.table, written.schema)
        with publishing(folder), atomic_folder(written.target) as made:
            publish(folder / written.table, made / written.table)
            write_json(made / SUMMARY, {"rows": found.height, "stopped": None})
        discard(folder)
    return found


def hand_down(written: Written, reason: str) -> dict[str, Any]:
    """An empty table with the reason why an earlier stage stopped."""
    summary = {"rows": 0, "stopped": reason}
    with atomic_folder(written.target) as made:
        empty = written.schema.create_empty()
        write_table(shard_path(made / written.table, 0), empty, written.schema)
        write_json(made / SUMMARY, summary)
    return summary
