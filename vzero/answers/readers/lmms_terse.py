"""How lmms-eval reads CV-Bench and BLINK: the first letter of the alphabet, if the reply begins with one.

Only terse replies can score: "The answer is B" is read as T.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vzero.answers.extraction import UNRESOLVED, Extraction

# Ignoring case, Python also takes the long s, the dotless i and the Kelvin sign for letters; so does the
# toolkit.
FIRST_LETTER = re.compile(r"[(\s]*([A-Z])", re.IGNORECASE)


def read(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """The reply's first character in capitals, after blanks and opening parentheses."""
    found = FIRST_LETTER.match(prediction.strip())
    return Extraction(found[1].upper(), "first-letter") if found else UNRESOLVED
