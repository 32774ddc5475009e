"""Let a Questioner write about images: rows of `tables.Questions`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from vzero.answers.questions import WrittenQuestion
from vzero.config import SelfPlay
from vzero.models.loading import LoadedModel
from vzero.models.prompt import prompts_of
from vzero.prompts.roles import REGION
from vzero.prompts.views import FULL
from vzero.rollout.sampler import Sampler
from vzero.rollout.sampling import Rollout, Sampling
from vzero.selfplay.images import Photograph
from vzero.shards import frame_of
from vzero.tables import Questions
from vzero.voting.reading import read_written

OK = "ok"


def write_questions(
    sampler: Sampler,
    model: LoadedModel,
    photographs: Sequence[Photograph],
    settings: SelfPlay,
    *,
    iteration: str,
    model_hash: str,
) -> pl.DataFrame:
    """One text an image, as the Questioner is asked in training."""
    role = settings.questioner
    views = [each.sample.view(FULL if each.window is None else REGION) for each in photographs]
    prompts = prompts_of(model, views)
    sampling = Sampling(role.temperature, role.max_new_tokens)
    seeds = [role.seed] * len(prompts)
    groups = sampler.answers(prompts, 1, sampling, seeds)
    rows = []
    for photograph, view, [rollout] in zip(photographs, views, groups, strict=True):
        image_id = photograph.picture.name
        rows.append(
            {
                "question_id": f"{iteration}-{image_id}",
                "image_id": image_id,
                "window": None if photograph.box is None else list(photograph.box),
                "text": rollout.text,
                "finish_reason": rollout.finish_reason,
                "prompt_hash": view.words.prompt_hash,
                "model_hash": model_hash,
            }
            | _read(rollout, settings)
        )
    return frame_of(rows, Questions)


def _read(rollout: Rollout, settings: SelfPlay) -> dict[str, Any]:
    written = read_written(rollout.text, settings.reward, truncated=rollout.finish_reason == "length")
    if isinstance(written, WrittenQuestion):
        return {
            "description": written.description,
            "question": written.stem,
            "options": list(written.options),
            "fast": written.fast,
            "status": OK,
        }
    return {"description": None, "question": None, "options": None, "fast": None, "status": written}


def written_of(row: dict[str, Any]) -> WrittenQuestion:
    """The question in a row of `tables.Questions` that could be read."""
    return WrittenQuestion(row["description"], row["question"], tuple(row["options"]), row["fast"])
