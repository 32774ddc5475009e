"""VLMEvalKit's check of MathVista before it asks its judge."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from vzero.answers.extraction import lettered
from vzero.answers.matching import UNRESOLVED, Expected, Match
from vzero.answers.readers import vlmevalkit

NUMBERS = {"integer": int, "float": float}


def mathvista(row: Mapping[str, Any]) -> Match:
    """A row with columns as the toolkit stores them: choices go by its letter rules, the rest by type."""
    prediction = str(row["prediction"])
    if row["question_type"] == "multi_choice":
        options = [str(option) for option in ast.literal_eval(row["choices"])]
        letter = vlmevalkit.exact(prediction, lettered(options)).letter
        return Match(letter == row["answer_option"], "letter") if letter else UNRESOLVED
    return by_answer_type(prediction, Expected(str(row["answer"]), row["answer_type"]))


def by_answer_type(prediction: str, expected: Expected) -> Match:
    """A whole number or a decimal that is equal is a hit unless it is 0, which counts as nothing found.

    All other numbers go to the judge. Answers of other types are compared with the word "None", so they are
    wrong whatever the reply.
    """
    if expected.answer_type not in NUMBERS:
        return Match(expected.answer == "None", "compared-with-none")
    number = NUMBERS[expected.answer_type]
    try:
        value, truth = number(prediction), number(expected.answer)
    except (ValueError, OverflowError):
        return UNRESOLVED
    return Match(True, "number") if value == truth and value else UNRESOLVED
