"""How lmms-eval reads HR-Bench before it asks its judge: an older copy of VLMEvalKit's rules.

The one letter may stand anywhere, there is no "answer is" rule, and option texts are searched in replies of
any length. The reply loses its outer blanks first, the option texts keep theirs.
"""

from __future__ import annotations

from collections.abc import Mapping

from vzero.answers.extraction import UNRESOLVED, Extraction
from vzero.answers.readers.vlmevalkit import FAILED_CALL, REFUSALS, REFUSED, word_tokens


def read(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """The one choice letter among the tokens, a refusal, or the one option text inside the reply."""
    if FAILED_CALL not in prediction:
        if any(refusal in prediction for refusal in REFUSALS):
            return Extraction(REFUSED, "refusal")
        tokens = word_tokens(prediction)
        present = [letter for letter in choices if letter in tokens]
        if len(present) == 1:
            return Extraction(present[0], "letter")
        if not present and REFUSED in tokens:
            return Extraction(REFUSED, "letter-z")
    reply = prediction.strip().lower()
    named = [letter for letter, text in choices.items() if text.lower() in reply]
    return Extraction(named[0], "option-text") if len(named) == 1 else UNRESOLVED
