"""Let a Solver vote on questions: rows of `tables.Votes`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from vzero.config import SelfPlay
from vzero.models.loading import LoadedModel
from vzero.prompts.views import Picture
from vzero.rollout.sampler import Sampler
from vzero.selfplay.images import window_picture
from vzero.selfplay.writing import written_of
from vzero.shards import frame_of
from vzero.tables import Votes
from vzero.voting.hearing import heard
from vzero.voting.voters import Ask, Ballot, Voter, asks_of, ballot, voters


def poll(
    sampler: Sampler,
    model: LoadedModel,
    questions: Sequence[Mapping[str, Any]],
    images: Mapping[str, Picture],
    settings: SelfPlay,
    *,
    model_hash: str,
) -> pl.DataFrame:
    """The votes on rows of `tables.Questions` that could be read; `images` by id."""
    asked: list[tuple[Mapping[str, Any], Voter, list[Ask]]] = []
    for row in questions:
        image = images[row["image_id"]]
        for voter in voters(settings.voting, window=row["window"] is not None):
            seen = image
            if voter == "region" and image.data is not None:
                seen = window_picture(image.data, row["window"])
            asks = asks_of(voter, written_of(dict(row)), seen, settings.voting, row=row["question_id"])
            asked.append((row, voter, asks))
    replies = iter(heard(sampler, model, [ask for _, _, asks in asked for ask in asks]))
    rows = []
    for row, voter, asks in asked:
        said = [next(replies) for _ in asks]
        found = ballot(asks, said, written_of(dict(row)), settings.voting)
        rows.append(_row(row["question_id"], voter, asks, said, found) | {"model_hash": model_hash})
    return frame_of(rows, Votes)


def _row(
    question_id: str, voter: Voter, asks: Sequence[Ask], said: Sequence[Sequence[str]], found: Ballot
) -> dict[str, Any]:
    counts = Counter(answer for answer in found.answers if answer is not None).most_common()
    return {
        "question_id": question_id,
        "voter": voter,
        "letters": list(found.letters),
        "replies": [reply for replies in said for reply in replies],
        "counts": [{"text": text, "count": count} for text, count in counts],
        "unread": found.vote.unread,
        "majority": found.vote.answer,
        "confidence": found.vote.confidence,
        "tie": found.vote.tie,
        "prompt_hash": asks[0].view.words.prompt_hash,
    }
