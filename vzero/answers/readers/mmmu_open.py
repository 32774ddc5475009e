"""MMMU's questions without options, as each toolkit scores them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from vzero.answers.matching import UNRESOLVED, Expected, Match
from vzero.answers.readers import vlmevalkit

OTHER = "Other Answers"

ANNOUNCING = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
TRIVIAL = (":", ",", ".", "!", "?", ";", "'")
NUMBERS = (
    re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b"),
    re.compile(r"-?\d+(?:\.\d+)?e[+-]?\d+"),
    re.compile(r"-?(?:\d+\.\d+|\.\d+|\d+\b)(?!e[+-]?\d)(?![,\d])"),
)
DECIMALS = 2


def two_way(prediction: str, expected: Expected) -> Match:
    """VLMEvalKit: a choice between A, the right answer, and B, "Other Answers", read by its letter rules."""
    letter = vlmevalkit.exact(prediction, {"A": expected.answer, "B": OTHER}).letter
    return Match(letter == "A", "letter") if letter else UNRESOLVED


def official(prediction: str, expected: Expected) -> Match:
    """lmms-eval, with the benchmark's parser: some number of the reply, or some part of it, is the answer.

    Numbers agree to two decimals. A text agrees if the answer stands inside it; one character needs a blank
    beside it. An answer may be a list, of which one is enough.
    """
    answers = [form for answer in _answers(expected.answer) for form in _forms(answer)]
    for said in _said(prediction):
        if isinstance(said, str):
            if any(isinstance(answer, str) and answer in said for answer in answers):
                return Match(True, "text")
        elif said in answers:
            return Match(True, "number")
    return UNRESOLVED


def _answers(answer: str) -> list[str]:
    try:
        cell = ast.literal_eval(answer) if answer.startswith("[") else answer
    except (SyntaxError, ValueError):
        cell = answer
    return [str(one) for one in cell] if isinstance(cell, list) else [answer]


def _said(prediction: str) -> Iterator[str | float]:
    """Each part of the reply that may be its answer, as text or number, and each number in one."""
    parts = _announced(prediction)
    for part in parts:
        yield from _forms(part)
    for part in parts:
        for number in (found for pattern in NUMBERS for found in pattern.findall(part)):
            yield from _forms(number)


def _announced(prediction: str) -> list[str]:
    """By line, the shortest rest after the last of a word that announces answers; without any, the reply.

    The parser also means to cut between sentences, but looks for a capital in a text it has lower-cased.
    """
    reply = prediction.strip().strip(".").lower()
    lines = reply.split("\n")
    parts = []
    for number, line in enumerate(lines, 1):
        words = (*ANNOUNCING, "=") if number == len(lines) else ANNOUNCING
        shortest = ""
        for rest in (line.split(word)[-1].strip() for word in words if word in line):
            if not shortest or len(rest) < len(shortest):
                shortest = rest
        if shortest and shortest not in TRIVIAL:
            parts.append(shortest)
    return parts or [reply]


def _forms(text: str) -> list[str | float]:
    """A number rounded, or the text in lower case, of one character with a blank on either side."""
    plain = text.strip()
    try:
        return [round(float(plain.replace(",", "")), DECIMALS)]
    except ValueError:
        pass
    lowered = plain.lower()
    return [f" {lowered}", f"{lowered} "] if len(lowered) == 1 else [lowered]
