"""How MMStar's own script scores: the letter must stand at one of four fixed places of the reply.

The script compares those places with the right letter; reading the first place that holds a choice gives the
same hits as long as no choice is O or T, the first letters of its two phrases.
"""

from __future__ import annotations

from collections.abc import Mapping

from vzero.answers.extraction import UNRESOLVED, Extraction

PREFIXES = {"start": "", "parenthesis": "(", "option": "option ", "answer-is": "the answer is "}


def read(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """The choice at the reply's start, or right after "(", "option " or "the answer is "; case is ignored."""
    reply = prediction.lower().strip().replace("\n", " ")
    letters = {letter.lower(): letter for letter in choices}
    for rule, prefix in PREFIXES.items():
        letter = letters.get(reply[len(prefix) : len(prefix) + 1])
        if letter and reply.startswith(prefix):
            return Extraction(letter, rule)
    return UNRESOLVED
