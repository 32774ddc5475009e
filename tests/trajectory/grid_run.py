"""Two steps of every case of the grid on a small project: losses, and weights and rollouts by hash."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
from small_project import SETTINGS, make_project, settings
from trajectory.grid_cases import CASES, CROPS
from trajectory.locked_run import machine

from vzero.config import parse_params
from vzero.paths import Paths
from vzero.rollout.table import logprobs
from vzero.shards import read
from vzero.stages import crops, train
from vzero.tables import Rollouts, TrainLog

GRID = Path(__file__).with_name("grid.json")
VIEWS = (("student", "full"), ("teacher", "positive"), ("teacher", "negative"))
COMPARED = ("advantage", "evidence_score")


def figures(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What training leaves, by case."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch) / "base"
        make_project(base)
        for name, cut in CROPS.items():
            shutil.copytree(base, Path(scratch) / name)
            crops.run(parse_params(SETTINGS | {"crops": cut}), Paths(Path(scratch) / name), processes=1)
        for name in names:
            folder = next((cut for cut in CROPS if name.startswith(cut)), "base")
            found[name] = _trained(Paths(Path(scratch) / folder), CASES[name])
    return found


def _trained(paths: Paths, case: dict[str, Any]) -> dict[str, Any]:
    train.run(settings(**({"steps": 2} | case)), paths)
    log = read(paths.train_log, TrainLog).sort("step")
    rollouts = read(paths.rollouts, Rollouts).sort("step", "sample_id", "member")
    # As tables had it when the figures were made: 0 and [] for what there is none of.
    rows = rollouts.select("token_ids", "weight", pl.col(COMPARED).fill_null(0.0), "reward").rows()
    nothing = pl.lit([], dtype=pl.List(pl.Float32))
    views = rollouts.select(logprobs(*view).alias(view[1]).fill_null(nothing) for view in VIEWS).rows()
    weights = (paths.trained_model / "model.safetensors").read_bytes()
    shutil.rmtree(paths.trained_model.parent)
    shutil.rmtree(paths.scratch)
    return {
        "losses": log["loss"].to_list(),
        "weights": sha256(weights).hexdigest(),
        "rollouts": sha256(json.dumps(rows).encode()).hexdigest(),
        "views": sha256(json.dumps(views).encode()).hexdigest(),
    }


def main() -> None:
    stored = {"machine": machine(), "cases": figures(CASES)}
    GRID.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
