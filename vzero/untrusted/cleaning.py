"""Phrases of questions and options that are taken off: what prompts say themselves, or what would tell.

All of them stand here. `ingest` counts the samples of each kind in the table `cleanings`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from vzero.untrusted.cells import LETTERS, OPTION_LINE


class Cleaning(StrEnum):
    OPTION_LETTERS = "option_letters"
    """Every option begins with its own letter, `A. red`: prompts write the letters."""
    ANSWER_REQUEST = "answer_request"
    """The question ends by saying how to answer with a letter: prompts say so."""
    RED_BOX = "red_box"
    """The sentence that points at a red box, which clean pictures do not show (ZwZ, Vision-OPD)."""
    BOX_REQUEST = "box_request"
    """The request for a box that Visual-CoT's conversion for LLaVA adds to every question."""
    LISTED_OBJECTS = "listed_objects"
    """The line that lists what to look at, at the places of SEAL's `<object>` marks."""


# Each begins with the first of the spaces before it: tried from each of many, it would take their square.
PHRASES = {
    Cleaning.RED_BOX: re.compile(
        r"(?<!\s)\s*Only focus on the objects inside the red bounding box in the image to answer "
        r"(this|the) question\.?",
        re.IGNORECASE,
    ),
    Cleaning.BOX_REQUEST: re.compile(
        r"(?<!\s)\s*Please (?:think step by step and )?provide the bounding box coordinate of the region "
        r"that can help you answer the question better\.\s*"
    ),
    Cleaning.LISTED_OBJECTS: re.compile(r"^[^\n]*<object>[^\n]*(?:\n|\Z)", re.MULTILINE),
}
# At the end of a question with options.
REQUEST = re.compile(
    r"(?<!\s)\s*(?:please )?(?:"
    r"answer with the option(?:['’]s)? letter(?: from the given choices)?(?: only| directly)?"
    r"|(?:select|choose) the (?:correct|best|right) (?:answer|option)(?: to the question)?"
    r"(?: from the (?:options|choices)(?: above| below| given)?)?"
    r"|(?:answer|respond) with only the letter(?: \([^()\n]{1,40}\))?"
    r" of the (?:correct|right) (?:answer|option)"
    r")\.?\s*\Z",
    re.IGNORECASE,
)


def without(phrase: Cleaning, text: str) -> tuple[str, tuple[Cleaning, ...]]:
    """A text without one of `PHRASES`, and that phrase if it was there."""
    cleaned, found = PHRASES[phrase].subn("", text)
    return cleaned, (phrase,) * bool(found)


def clean(question: str, options: Sequence[str]) -> tuple[str, list[str], list[Cleaning]]:
    """Question and options without what prompts say themselves, and which of it was there.

    A question that is nothing but a request stays, and so do questions without options.
    """
    bare = _without_letters(options)
    asked = REQUEST.sub("", question) if options else question
    found = [
        (Cleaning.OPTION_LETTERS, bare != list(options)),
        (Cleaning.ANSWER_REQUEST, asked not in ("", question)),
    ]
    return asked or question, bare, [cleaning for cleaning, there in found if there]


def _without_letters(options: Sequence[str]) -> list[str]:
    """Options that all begin with their own letter, without it; others as they are."""
    found = [OPTION_LINE.fullmatch(option) for option in options]
    letters = [match[1] or match[2] for match in found if match]
    if letters != list(LETTERS[: len(options)]):
        return list(options)
    return [match[3] for match in found if match]
