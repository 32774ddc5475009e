"""How lmms-eval reads V*: the reply in capitals, the first pattern that matches.

Words count as letters ("CANNOT TELL" is C, "a man" is A), and A to D are read however many were offered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vzero.answers.extraction import UNRESOLVED, Extraction

PATTERNS = {
    "start": r"^([A-D])",  # no word boundary after the letter
    "statement": r"(?:ANSWER|CHOICE|OPTION)(?:\s+IS)?[\s:]+([A-D])",
    "parentheses": r"\(([A-D])\)",
    "closed": r"([A-D])\s*[.)\]]",
    "alone": r"(?:^|\s)([A-D])(?:\s|$)",
}


def read(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """The first of five patterns, or the only A-D character of the whole reply."""
    reply = prediction.strip().upper()
    for rule, pattern in PATTERNS.items():
        if found := re.search(pattern, reply, re.IGNORECASE):
            return Extraction(found[1], rule)
    letters = re.findall("[A-D]", reply)
    return Extraction(letters[0], "only-letter") if len(letters) == 1 else UNRESOLVED
