"""Whether an answer names the right letter, as the evaluation's careful reader (`vzero`) reads it."""

from __future__ import annotations

from collections.abc import Sequence

from vzero.answers.extraction import lettered
from vzero.answers.readers.careful import read
from vzero.methods.base import Answers


def option_rewards(answers: Answers) -> list[float]:
    """(rows,), by the labels that the samples carry."""
    asked = [task.sample for task in answers.tasks for _ in range(answers.group)]
    return [
        option_reward(rollout.text, sample.options, sample.answer or "")
        for rollout, sample in zip(answers.rollouts, asked, strict=True)
    ]


def option_reward(text: str, options: Sequence[str], answer: str) -> float:
    """1 when the reader takes the right letter from the text, else 0.

    `options` are the texts in the order of their letters. What the reader leaves open earns nothing.
    """
    return float(read(text, lettered(options)).letter == answer)
