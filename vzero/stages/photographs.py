"""Stage `photographs`: images from one place, and nothing that was ever said about them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from vzero.config import Params
from vzero.errors import ConfigError, SourceError
from vzero.paths import Paths
from vzero.selfplay.chain import SUMMARY
from vzero.selfplay.gathering import gather
from vzero.shards import atomic_folder, frame_of, shard_path, write_json, write_table
from vzero.tables import Photographs, Rejects


def run(params: Params, paths: Paths, place: str) -> dict[str, Any]:
    """Write the images of a place and what could not be used of it, with its reason.

    Raises SourceError where no image can be used.
    """
    known = params.selfplay.photographs
    if place not in known:
        raise ConfigError(f"selfplay.photographs: allowed: {', '.join(known) or 'none'}, got {place!r}")
    with (
        atomic_folder(paths.photographs_of(place)) as made,
        atomic_folder(paths.photograph_rejects(place)) as left_out,
    ):
        counts = _write(params, paths, place, made, left_out)
        write_json(made / SUMMARY, counts)
    return counts


def _write(params: Params, paths: Paths, place: str, made: Path, left_out: Path) -> dict[str, Any]:
    settings = params.selfplay
    images, rejects, rows = Counter[str](), [], []
    shard = 0
    for found in gather(settings.photographs[place], place, params.ingest, paths, settings.dev_fraction):
        if "code" in found:
            rejects.append(found)
            continue
        images[found["split"]] += 1
        rows.append(found)
        if len(rows) == params.ingest.shard_images:
            write_table(shard_path(made, shard), frame_of(rows, Photographs), Photographs)
            rows, shard = [], shard + 1
    if rows:
        write_table(shard_path(made, shard), frame_of(rows, Photographs), Photographs)
    if not images:
        raise SourceError(f"selfplay.photographs.{place}: no usable image among {len(rejects)}")
    write_table(shard_path(left_out, 0), frame_of(rejects, Rejects), Rejects)
    return {"images": dict(sorted(images.items())), "rejects": dict(Counter(r["code"] for r in rejects))}
