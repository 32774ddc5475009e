"""Stage `votes`: let the Solver that an iteration starts from vote on its questions."""

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
from vzero.selfplay.chain import iteration_of, model_in, stopped
from vzero.selfplay.images import image_index, load_pictures
from vzero.selfplay.polling import poll
from vzero.selfplay.writing import OK
from vzero.shards import read
from vzero.tables import Questions, Votes


def run(params: Params, paths: Paths, iteration: str) -> dict[str, Any]:
    """Write the table; batches of questions that were voted on survive an interruption."""
    start, settings = iteration_of(params, iteration), params.selfplay
    before, folder = paths.selfplay("questions", iteration), model_in(paths, start.solver)
    name, target = f"votes-{iteration}", paths.selfplay("votes", iteration)
    written = Written(name, __name__, "votes", Votes, [paths.photographs, before, folder], target)
    if reason := stopped(before):
        return hand_down(written, reason)
    model = load_model(folder, params.models)
    role = settings.solver
    samplers = Samplers(params.rollout.sampler, params.models, paths)
    sampler = samplers.of_frozen(model, folder, Bounds(role.micro_tokens, role.decode_tokens))
    sampler.follow(model)
    content = folder_hash(folder)
    index = image_index(paths)
    questions = read(before / "questions", Questions).filter(status=OK).sort("question_id")

    def write(rows: pl.DataFrame) -> pl.DataFrame:
        images = load_pictures(paths, index.filter(pl.col("image_id").is_in(rows["image_id"].implode())))
        asked = list(rows.iter_rows(named=True))
        return poll(sampler, model, asked, images, settings, model_hash=content)

    found = write_in_batches(questions, write, written, params, paths)
    voters = found.group_by("voter").agg(pl.col("confidence").mean()).sort("voter")
    return {"questions": questions.height, "confidence": dict(voters.iter_rows())}
