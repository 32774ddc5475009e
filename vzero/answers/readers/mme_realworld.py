"""How VLMEvalKit reads MME-RealWorld: the first capital A to E, of whichever word.

"Answer: B" is A, and an empty reply is A too, because nothing is part of "(A)".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vzero.answers.extraction import UNRESOLVED, Extraction

ANSWER_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
# Both toolkits lack two commas in this list, so that four of the eight phrases run together in pairs and are
# never found: "Best answer: A" is read as B, the first letter of "Best".
DELETED = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option isThe correct option is",
    "Best answer:Best option:",
)
CAPITAL = re.compile("[ABCDE]")
LETTERS = "ABCDE"
WORDS = 10  # above so many words a reply without a capital A to E is not read


def read(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """The first capital A-E of the `<answer>` tag's text in capitals, or else of the reply."""
    tagged = ANSWER_TAG.search(prediction)
    return read_without_tag(tagged[1].strip().upper() if tagged else prediction, choices)


def read_without_tag(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """The same rule as lmms-eval has it, which knows no `<answer>` tag."""
    text = prediction.strip()
    for phrase in DELETED:
        text = text.replace(phrase, "")
    found = CAPITAL.search(text)
    if found:
        return Extraction(found[0], "first-capital")
    if len(text.split()) > WORDS:
        return UNRESOLVED
    for letter in LETTERS:
        if text.lower() in f"({letter.lower()})":
            return Extraction(letter, "inside-label")
    return UNRESOLVED
