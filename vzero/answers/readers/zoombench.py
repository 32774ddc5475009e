"""How ZoomBench's script cuts the answer out of a reply and reads its letter, before it asks a model."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vzero.answers.extraction import UNRESOLVED, Extraction

PATTERNS = {
    "parentheses": re.compile(r"\(([A-Z])\)"),
    "closed": re.compile(r"([A-Z])[.)\s]"),
    "first-capital": re.compile(r"([A-Z])"),
}
LINES = 3  # from the end, where nothing marks the answer


def answer_span(prediction: str) -> str:
    """The part of a reply that is judged.

    The slice ends where the first closing tag begins. Without one it ends before the last character, which
    is lost: "<answer>B" gives nothing.
    """
    if "<answer>" in prediction:
        cut = prediction[prediction.find("<answer>") : prediction.find("</answer>")]
        return cut.replace("<answer>", "").replace("</answer>", "")
    if "Answer:" in prediction:
        return prediction[prediction.find("Answer:") :]  # the label stays: its A is a capital
    return "\n".join(prediction.split("\n")[-LINES:])


def read(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """The first (X), else the first X before a period, parenthesis or blank, else the first capital."""
    span = answer_span(prediction)
    for rule, pattern in PATTERNS.items():
        if found := pattern.search(span):
            return Extraction(found[1], rule)
    return UNRESOLVED
