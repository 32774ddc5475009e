"""Stage `questions`: let an iteration's Questioner write a question about every image."""

from __future__ import annotations

from typing import Any

import polars as pl

from vzero.config import Params
from vzero.models.hashing import folder_hash
from vzero.models.loading import load_model
from vzero.paths import Paths
from vzero.rollout.generate import Bounds
from vzero.rollout.samplers import Samplers
from vzero.selfplay.batches import Written, hand_down, write_in_batches
from vzero.selfplay.chain import MODEL, iteration_of, stopped
from vzero.selfplay.images import image_index, load_photographs
from vzero.selfplay.writing import OK, write_questions
from vzero.tables import Questions


def run(params: Params, paths: Paths, iteration: str) -> dict[str, Any]:
    """Write the table; what was written survives an interruption."""
    iteration_of(params, iteration)
    before, settings = paths.selfplay("questioner", iteration), params.selfplay
    name, target = f"questions-{iteration}", paths.selfplay("questions", iteration)
    written = Written(name, __name__, "questions", Questions, [paths.photographs, before], target)
    if reason := stopped(before):
        return hand_down(written, reason)
    model = load_model(before / MODEL, params.models)
    role = settings.questioner
    samplers = Samplers(params.rollout.sampler, params.models, paths)
    sampler = samplers.of_frozen(model, before / MODEL, Bounds(role.micro_tokens, role.decode_tokens))
    sampler.follow(model)
    content = folder_hash(before / MODEL)

    def write(rows: pl.DataFrame) -> pl.DataFrame:
        photographs = load_photographs(paths, rows, settings)
        return write_questions(sampler, model, photographs, settings, iteration=iteration, model_hash=content)

    found = write_in_batches(image_index(paths), write, written, params, paths)
    status = dict(found["status"].value_counts().sort("status").iter_rows())
    return {"images": found.height, "questions": status.get(OK, 0), "status": status}
