"""What a step's written questions are like, as columns of `tables.TrainLog`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from vzero.answers.questions import WrittenQuestion
from vzero.config.methods.questioner import Settings
from vzero.voting.fate import KEPT
from vzero.voting.reading import read_written
from vzero.voting.voters import votes_of


def question_figures(rollouts: pl.DataFrame, settings: Settings, *, window: bool) -> Mapping[str, Any]:
    """Of the step's rows of `tables.Rollouts`; `window`: whether there are votes on windows too."""
    voted = rollouts.filter(pl.col("confidence").is_not_null())
    written = [
        (sample_id, read_written(text, settings.reward, truncated=False))
        for sample_id, text in voted.select("sample_id", "text").iter_rows()
    ]
    questions = [(sample_id, each) for sample_id, each in written if isinstance(each, WrittenQuestion)]
    different = {(sample_id, each.stem, each.options) for sample_id, each in questions}
    letters = Counter(each.fast for _, each in questions)
    cost = votes_of(settings.voting, window=window)
    return {
        "malformed": 1 - voted.height / rollouts.height,
        "kept": (rollouts["status"] == KEPT).mean(),
        "agree": voted["agree"].mean(),
        "confidence": voted["confidence"].mean(),
        "penalty": voted["penalty"].mean(),
        "commonest_letter": max(letters.values()) / voted.height if letters else None,
        "distinct": len({each.stem for _, each in questions}) / voted.height if questions else None,
        "votes": cost * len(different),
        "votes_saved": cost * (rollouts.height - len(different)),
    }
