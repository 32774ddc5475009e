"""Questions that give their answer away, or tell the Solver what to answer."""

from __future__ import annotations

import re

from vzero.answers.questions import WrittenQuestion

NOUN = r"(?:answer|option|choice|letter|reply|response)"
VERB = r"(?:choose|pick|select|answer|reply|respond|output|say|write|take)"
# Words in any case, letters of options as capitals: "answer a question" asks for nothing.
TOLD = re.compile(
    rf"(?i:\b{NOUN}\s+(?:is|must\s+be|should\s+be|has\s+to\s+be|with|as)\b|\b{NOUN}\s*[:=])\W*(?i:option\s+)?[A-D]\b"
    rf"|(?i:\b{VERB}\s+(?:with\s+)?(?:only\s+)?(?:the\s+)?(?:{NOUN}\s+)?)\W*[A-D]\b"
    r"|(?i:\bignore\b.{0,40}\b(?:image|picture|options|question|instructions?)\b)"
    r"|\b[A-D]\)?\s+(?i:is\s+(?:the\s+)?(?:right|correct|true)\b)"
    r"|\\boxed\s*\{|</?(?i:think|answer)>",
    re.DOTALL,
)


def tells_what_to_answer(question: WrittenQuestion) -> bool:
    """Whether stem or options ask for a certain letter, or for the image not to be looked at."""
    return any(TOLD.search(text) for text in (question.stem, *question.options))


def names_the_answer(question: WrittenQuestion, answer: str) -> bool:
    """Whether the stem has the answer's text in it and not that of another option.

    "Is the square left or right of the circle?" names all that it offers, and gives nothing away.
    """
    named = [option for option in question.options if _within(option, question.stem)]
    return len(named) == 1 and named[0] == answer


def _within(option: str, stem: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(option.casefold())}(?!\w)", stem.casefold()) is not None
