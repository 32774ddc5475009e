"""How VLMEvalKit reads a letter without a judge (its `exact_matching`), oddities included.

Rules in order: a failed call, a refusal, one lone letter near the end, a lone Z, "answer is X", and then
exactly one option whose text occurs in the reply. The toolkit's `VERBOSE` environment switch, which also
turns some letters away, is left out: a score must not depend on the shell it was computed in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vzero.answers.extraction import UNRESOLVED, Extraction

FAILED_CALL = "Failed to obtain answer via API"
REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
REFUSED = "Z"
# Quotes, angle brackets, question marks, dashes and full-width signs stay glued to their letter.
SEPARATORS = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
TAIL = 4  # tokens from the end in which a lone letter counts
# No word boundary after the letter, and never a letter above D: both are the toolkit's.
ANSWER_IS = re.compile(r"answer\s+is\s+\**([A-D])", re.IGNORECASE)


def exact(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """The letter by the toolkit's rules; `choices` are option texts by letter."""
    found = _by_letter(prediction, choices)
    return found if found.letter else _by_option_text(prediction, choices)


def _by_letter(prediction: str, choices: Mapping[str, str]) -> Extraction:
    if FAILED_CALL in prediction:
        return UNRESOLVED
    if any(refusal in prediction for refusal in REFUSALS):
        return Extraction(REFUSED, "refusal")
    tokens = word_tokens(prediction)
    present = [letter for letter in choices if letter in tokens]
    if len(present) == 1 and tokens.index(present[0]) >= len(tokens) - TAIL:
        return Extraction(present[0], "letter")
    if not present and REFUSED in tokens:
        return Extraction(REFUSED, "letter-z")
    stated = ANSWER_IS.search(prediction)
    if stated and stated[1].upper() in choices:
        return Extraction(stated[1].upper(), "answer-is")
    return UNRESOLVED


def word_tokens(prediction: str) -> list[str]:
    """Blank-separated pieces once the toolkit's thirteen separators count as blanks."""
    return prediction.translate(SEPARATORS).split()


def _by_option_text(prediction: str, choices: Mapping[str, str]) -> Extraction:
    reply = prediction.lower()
    # The reply's length after lower-casing against the options' before: they differ for letters like "İ".
    if len(reply) > 2 * sum(len(text) for text in choices.values()):
        return UNRESOLVED
    named = [letter for letter, text in choices.items() if text.lower() in reply]
    return Extraction(named[0], "option-text") if len(named) == 1 else UNRESOLVED
