"""What one iteration hands to the next: models, what has been asked, and whether to go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from vzero.config import Params
from vzero.config.selfplay import Iteration
from vzero.errors import ConfigError
from vzero.paths import Paths
from vzero.shards import atomic_folder, read, shard_path, write_json, write_table
from vzero.tables import Stems, TrainTimings

MODEL, SUMMARY, STEMS = "model", "summary.json", "stems"
Tables = Mapping[str, tuple[pl.DataFrame, type[dy.Schema]]]
"""With their schemas, by the name of their folder."""


def iteration_of(params: Params, iteration: str) -> Iteration:
    """Raises ConfigError for one that params do not have."""
    known = params.selfplay.iterations
    if iteration not in known:
        raise ConfigError(f"selfplay.iterations: allowed: {', '.join(known) or 'none'}, got {iteration!r}")
    return known[iteration]


def model_in(paths: Paths, start: Path) -> Path:
    """The model of a start: the folder itself, or what an iteration left in it."""
    folder = paths.resolve(start)
    return folder / MODEL if (folder / MODEL).is_dir() else folder


def earlier_stems(paths: Paths, start: Path) -> list[str]:
    """What was asked before a start; nothing before the first."""
    folder = paths.resolve(start) / STEMS
    return read(folder, Stems)["question"].to_list() if folder.is_dir() else []


def stopped(folder: Path) -> str | None:
    """Why an earlier stage of this folder stopped, if it did."""
    summary = folder / SUMMARY
    return json.loads(summary.read_text()).get("stopped") if summary.is_file() else None


def hand_on(
    model: Path, target: Path, timings: Path, reason: str | None, tables: Tables | None = None
) -> dict[str, Any]:
    """Leave the model as it is in the place of a trained one, with further tables, and say why.

    A reason stops later stages too; None is for a role that is not to learn.

    `timings` is left empty: DVC misses an out that is not there.
    """
    summary = {"stopped": reason, "handed_on": True}
    with atomic_folder(timings) as apart:
        write_table(shard_path(apart, 0), TrainTimings.create_empty(), TrainTimings)
    with atomic_folder(target) as made:
        shutil.copytree(model, made / MODEL)
        for name, (table, schema) in (tables or {}).items():
            write_table(shard_path(made / name, 0), table, schema)
        write_json(made / SUMMARY, summary)
    return summary
