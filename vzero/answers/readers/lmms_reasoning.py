"""How lmms-eval scores its `*_reasoning` tasks without a judge.

The `<answer>` tag, else the last box, else the number that ends a line. The toolkit adds a tenth for a
reply's format; here only the answer counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vzero.answers.extraction import UNRESOLVED, Extraction
from vzero.answers.formulas import arithmetic, same_formula
from vzero.answers.matching import UNRESOLVED as UNDECIDED
from vzero.answers.matching import Expected, Match
from vzero.answers.readers.lmms_mcq import STRIPPED

ANSWER_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
BOX = "\\boxed{"
LAST_NUMBER = re.compile(r"\b(\d+(?:\.\d+)?)\b\s*\.?\s*$")
LETTERS = "ABCDEFGH"  # read however many were offered
PRIORITY = {
    "start": 10,
    "end": 9,
    "numbered": 8,
    "phrase": 7,
    "parentheses": 6,
    "period": 5,
    "colon": 4,
    "right-parenthesis": 3,
    "blank": 2,
    "dash": 1,
    "underscore": 1,
    "equals": 1,
    "anywhere": 0,
}
MARKED = {
    "parentheses": "({})",
    "period": "{}.",
    "colon": "{}:",
    "right-parenthesis": "{})",
    "blank": "{} ",
    "dash": "{}-",
    "underscore": "{}_",
    "equals": "{}=",
}
# The toolkit's longer phrases begin with words without a capital A to H, so these find the same letters.
PHRASES = (
    *("best answer", "correct answer", "answer"),
    *("correct option is", "option is", "correct choice is", "choice is"),
    *("i choose", "i select", "i pick"),
)
RELAXED = 0.9  # of the longer text's length

Candidate = tuple[str, int, str]


def answer_text(prediction: str) -> tuple[str, str]:
    """The text that is scored, and the rule that found it: "answer-tag", "boxed", "number" or "nothing"."""
    if tagged := ANSWER_TAG.search(prediction):
        return _trimmed(tagged[1]), "answer-tag"
    if boxed := _last_closed_box(prediction):
        return _trimmed(boxed), "boxed"
    for line in reversed(prediction.strip().split("\n")):
        if found := LAST_NUMBER.search(line):
            return found[1], "number"
    return "", "nothing"


def _trimmed(text: str) -> str:
    return text.strip().removesuffix(".").strip()


def _last_closed_box(text: str) -> str:
    start = text.rfind(BOX)
    while start >= 0:
        depth = 0
        for place in range(start + len(BOX) - 1, len(text)):
            depth += {"{": 1, "}": -1}.get(text[place], 0)
            if depth == 0:
                return text[start + len(BOX) : place]
        start = text.rfind(BOX, 0, start)
    return ""


def read(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """The letter in the answer's text: the best format, and the earliest place within it."""
    said, where = answer_text(prediction)
    if not said:
        return UNRESOLVED
    bare = said
    for sign in STRIPPED:
        bare = bare.strip(sign)
    text = f" {bare} "
    candidates = [*_candidates(text)]
    if not candidates:
        candidates = [(letter, text.rfind(letter), "anywhere") for letter in LETTERS if letter in text]
    if not candidates:
        return UNRESOLVED
    letter, _, rule = max(candidates, key=lambda found: (PRIORITY[found[2]], -found[1]))
    return Extraction(letter, f"{where}: {rule}")


def _candidates(text: str) -> Iterator[Candidate]:
    for rule, form in MARKED.items():
        for letter in LETTERS:
            place = text.rfind(form.format(letter))
            if place >= 0:
                yield letter, place, rule
    yield from _stated(text)
    bare = text.strip()
    for number, letter in enumerate(LETTERS, 1):
        # A word counts as its first or last letter: "Both" begins with B.
        if bare.startswith(letter):
            yield letter, 0, "start"
        if bare.endswith(letter):
            yield letter, len(text) - 1, "end"
        place = text.rfind(f"{number}. {letter}")
        if place >= 0:
            yield letter, place, "numbered"


def _stated(text: str) -> Iterator[Candidate]:
    lowered = text.lower()
    for phrase in PHRASES:
        place = lowered.find(phrase)
        if place < 0:
            continue
        for letter in LETTERS:
            # From the phrase's own start: the capital of "Answer" is a letter too.
            found = text.find(letter, place)
            if found >= 0:
                yield letter, found, "phrase"


def match(prediction: str, expected: Expected) -> Match:
    """Equal, one inside the other with nine tenths of its length, or equal in value; letters as a choice."""
    said, answer = answer_text(prediction)[0], _trimmed(expected.answer)
    if len(answer) == 1 and answer in LETTERS:
        letter = read(prediction, {}).letter
        return Match(letter == answer, "letter") if letter else UNDECIDED
    for inner, outer in ((said, answer), (answer, said)):
        if inner in outer and len(inner) >= RELAXED * len(outer) and outer:
            return Match(True, "relaxed")
    one, other = arithmetic(said), arithmetic(answer)
    if one is not None and one == other:
        return Match(True, "number")
    return Match(True, "formula") if same_formula(said, answer) else UNDECIDED
