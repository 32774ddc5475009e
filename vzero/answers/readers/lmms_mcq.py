"""How lmms-eval reads MMStar and RealWorldQA: every trace of a letter is a candidate, the best format wins.

Formats rank as in `PRIORITY`; within one, the later position. Letters have no left boundary in most formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vzero.answers.extraction import UNRESOLVED, Extraction

STRIPPED = (",", ".", "!", "?", ";", ":", "'", '"')  # each once, in this order
PRIORITY = {
    "start": 10,
    "end": 9,
    "phrase": 7,
    "parentheses": 6,
    "period": 5,
    "colon": 4,
    "right-parenthesis": 3,
    "blank": 2,
    "anywhere": 0,
}
MARKED = {"parentheses": "({})", "period": "{}.", "colon": "{}:", "right-parenthesis": "{})", "blank": "{} "}
# A phrase counts beside a shorter one inside it: its first place in the reply may come later.
PHRASES = (
    *("the answer is", "answer is", "the correct answer is", "correct answer is"),
    *("the best answer is", "best answer is", "my answer is"),
    *("the correct option is", "correct option is", "the best option is", "best option is"),
    *("the choice is", "choice is", "the correct choice is", "correct choice is", "my choice is"),
    *("i choose", "i select", "i pick"),
    *("옵션", "정답은", "답은", "답:"),
    *("答案是", "答案为", "选"),
    "答えは",
)

Candidate = tuple[str, int, str]


def read(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """The candidate of the best format, and of the latest place within it."""
    if not prediction.strip():
        return UNRESOLVED
    bare = prediction.strip()
    for sign in STRIPPED:
        bare = bare.strip(sign)
    text = f" {bare} "
    candidates = [*_marked(text, choices), *_stated(text, choices), *_at_the_ends(text, choices)]
    if not candidates:
        candidates = [(letter, text.rfind(letter), "anywhere") for letter in choices if letter in text]
    if not candidates:
        return UNRESOLVED
    letter, _, rule = max(candidates, key=lambda found: (PRIORITY[found[2]], found[1]))
    return Extraction(letter, rule)


def _marked(text: str, choices: Mapping[str, str]) -> Iterator[Candidate]:
    for rule, form in MARKED.items():
        for letter in choices:
            place = text.rfind(form.format(letter))
            if place >= 0:
                yield letter, place, rule


def _stated(text: str, choices: Mapping[str, str]) -> Iterator[Candidate]:
    lowered = text.lower()
    for phrase in PHRASES:
        place = lowered.find(phrase)
        if place < 0:
            continue
        for letter in choices:
            # Anywhere after the phrase, inside words too; several letters: the latest of them wins.
            found = text.find(letter, place + len(phrase))
            if found >= 0:
                yield letter, found, "phrase"


def _at_the_ends(text: str, choices: Mapping[str, str]) -> Iterator[Candidate]:
    bare = text.strip()
    for letter in choices:
        if bare.startswith(letter) and not bare[1:2].isalpha():
            yield letter, 0, "start"
        if bare.endswith(letter) and not bare[-2:-1].isalpha():
            yield letter, len(text) - 1, "end"
