"""Verifiable rewards: what an answer is worth when its label is known."""

from __future__ import annotations

from collections.abc import Sequence

from vzero.answers.extraction import lettered
from vzero.answers.readers.careful import read


def option_reward(text: str, options: Sequence[str], answer: str) -> float:
    """1 when the evaluation's careful reader (reader `vzero`) takes the right letter from the text, else 0.

    `options` are the texts in the order of their letters. What the reader leaves open earns nothing.
    """
    return float(read(text, lettered(options)).letter == answer)
