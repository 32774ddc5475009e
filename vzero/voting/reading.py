"""A written question, read as the settings say."""

from __future__ import annotations

from vzero.answers.lenient_questions import read_leniently
from vzero.answers.questions import Fault, WrittenQuestion, read_question
from vzero.config.methods.questioner import Reward


def read_written(text: str, reward: Reward, *, truncated: bool) -> WrittenQuestion | Fault:
    """Strictly, or as the released code, which takes what ran into the length limit too."""
    return read_leniently(text) if reward.reading == "lenient" else read_question(text, truncated=truncated)
