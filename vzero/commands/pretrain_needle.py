"""Not a stage of the graph: make the embedded worlds' models, with their calibration and card."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from vzero.config import Models, WorldName
from vzero.locks import DYING, held
from vzero.models.loading import load_model
from vzero.needle.calibrate import calibrate
from vzero.needle.card import write_card, write_chain_card
from vzero.needle.player import RECIPE, teach_player
from vzero.needle.player_exam import examine
from vzero.needle.pretrain import CHAIN_PHASES, LURE, PHASES, SHIPPED, Phase, pretrain
from vzero.shards import atomic_path, write_json

CALIBRATION_QUESTIONS = 600
PLAYED = 400  # questions written, and questions answered
TARGETS: dict[WorldName, Path] = {"needle": SHIPPED, "chain": Path("data/models/chain")}


def run(world: WorldName, work: Path, target: Path | None) -> dict[str, Any]:
    """Make the models of a world in `target`; an interrupted run goes on from `work`.

    Raises AtWork when another process works there.
    """
    target = target or TARGETS[world]
    with held(work / world, patience=DYING):
        made = {"needle": _needle, "chain": _chain}[world](work / world, target)
    return {"target": str(target), **made}


def _needle(work: Path, target: Path) -> dict[str, Any]:
    """The shipped `student`, `teacher` and `player`."""
    seconds = pretrain(PHASES, work, target)
    seconds["player"] = teach_player(target / "student", work, target / "player")
    write_json(
        target / "recipe.json", {"phases": _told(PHASES), "lure": asdict(LURE), "player": asdict(RECIPE)}
    )
    calibration = _calibrated("needle", target)
    player = load_model(target / "player", Models())
    played = examine(player, written=PLAYED, answered=PLAYED, windows=PLAYED // 2)
    _write(target / "player_calibration.parquet", played)
    write_card(target / "README.md", calibration, played, seconds)
    return _overall(calibration)


def _chain(work: Path, target: Path) -> dict[str, Any]:
    """`student` and `teacher` of the world `chain`."""
    seconds = pretrain(CHAIN_PHASES, work, target)
    weights = {name: _hash(target / name / "model.safetensors") for name in ("student", "teacher")}
    write_json(target / "recipe.json", {"phases": _told(CHAIN_PHASES), "weights": weights})
    calibration = _calibrated("chain", target)
    write_chain_card(target / "README.md", calibration, seconds, weights)
    return weights | _overall(calibration)


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _told(phases: Sequence[Phase]) -> list[dict[str, Any]]:
    return [asdict(phase) for phase in phases]


def _calibrated(world: WorldName, target: Path) -> pl.DataFrame:
    student, teacher = (load_model(target / name, Models()) for name in ("student", "teacher"))
    calibration = calibrate(world, student, teacher, questions=CALIBRATION_QUESTIONS)
    _write(target / "calibration.parquet", calibration)
    return calibration


def _write(path: Path, table: pl.DataFrame) -> None:
    with atomic_path(path) as temporary:
        table.write_parquet(temporary)


def _overall(calibration: pl.DataFrame) -> dict[str, Any]:
    overall = calibration.filter(family="all").to_dicts()
    return {f"{row['model']}, {row['view']}": row["accuracy"] for row in overall}
