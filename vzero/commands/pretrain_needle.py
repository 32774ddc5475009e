"""Not a stage of the graph: make the embedded world's models again, with their calibration and card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vzero.config import Models
from vzero.locks import DYING, held
from vzero.models.loading import load_model
from vzero.needle.calibrate import calibrate
from vzero.needle.card import write_card
from vzero.needle.player import teach_player
from vzero.needle.player_exam import examine
from vzero.needle.pretrain import pretrain
from vzero.shards import atomic_path

CALIBRATION_QUESTIONS = 600
PLAYED = 400  # questions written, and questions answered


def run(work: Path, target: Path) -> dict[str, Any]:
    """Pretrain into `target/student`, `teacher` and `player`; an interrupted run goes on from `work`.

    Raises AtWork when another process works there.
    """
    with held(work, patience=DYING):
        seconds = pretrain(work, target)
        seconds["player"] = teach_player(target / "student", work, target / "player")
    student, teacher, player = (
        load_model(target / name, Models()) for name in ("student", "teacher", "player")
    )
    calibration = calibrate(student, teacher, questions=CALIBRATION_QUESTIONS)
    with atomic_path(target / "calibration.parquet") as temporary:
        calibration.write_parquet(temporary)
    played = examine(player, written=PLAYED, answered=PLAYED, windows=PLAYED // 2)
    with atomic_path(target / "player_calibration.parquet") as temporary:
        played.write_parquet(temporary)
    write_card(target / "README.md", calibration, played, seconds)
    overall = {
        row["model"] + ", " + row["view"]: row["accuracy"]
        for row in calibration.filter(family="all").to_dicts()
    }
    return {"target": str(target), **overall}
