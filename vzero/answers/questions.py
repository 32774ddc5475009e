"""A multiple-choice question that a model wrote, read strictly: all as asked for, or a fault by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

TAGS = ("description", "question", "answer")
LETTERS = "ABCD"
Fault = Literal[
    "truncated",
    "tag_missing",
    "tag_repeated",
    "tags_out_of_order",
    "text_outside",
    "no_stem",
    "options_not_a_to_d",
    "option_empty",
    "options_equal",
    "answer_not_a_letter",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
MARK = re.compile(r"(?<!\S)([A-Z])\)")
BLOCKS = re.compile(
    r"\s*<description>(?P<description>.*)</description>"
    r"\s*<question>(?P<question>.*)</question>"
    r"\s*<answer>(?P<answer>.*)</answer>\s*",
    re.DOTALL,
)


@dataclass(frozen=True)
class WrittenQuestion:
    description: str
    stem: str
    options: tuple[str, ...]
    """The texts of A to D."""
    fast: str
    """The letter that the writer itself gives as the answer."""


def read_question(text: str, *, truncated: bool) -> WrittenQuestion | Fault:
    """The question, or its first fault of `FAULTS`. `truncated`: it ran into the length limit.

    Options are read at `A)` to `D)`, each once and in this order, after a space or at a line's start.
    """
    if truncated:
        return "truncated"
    if fault := _fault_of_tags(text):
        return fault
    blocks = BLOCKS.fullmatch(text)
    if blocks is None:
        return "text_outside"
    stem, *marked = MARK.split(blocks["question"])
    options = tuple(option.strip() for option in marked[1::2])
    answer = blocks["answer"].strip()
    if not stem.strip():
        return "no_stem"
    if "".join(marked[::2]) != LETTERS:
        return "options_not_a_to_d"
    if not all(options):
        return "option_empty"
    if len({_plain(option) for option in options}) < len(options):
        return "options_equal"
    if answer not in tuple(LETTERS):
        return "answer_not_a_letter"
    return WrittenQuestion(blocks["description"].strip(), stem.strip(), options, answer)


def _fault_of_tags(text: str) -> Fault | None:
    tags = [f"<{slash}{tag}>" for tag in TAGS for slash in ("", "/")]
    if not all(tag in text for tag in tags):
        return "tag_missing"
    if any(text.count(tag) > 1 for tag in tags):
        return "tag_repeated"
    places = [text.index(tag) for tag in tags]
    return "tags_out_of_order" if places != sorted(places) else None


def _plain(option: str) -> str:
    """What two options must differ in: not only case, spaces, or punctuation at the ends."""
    return " ".join(option.casefold().split()).strip(".,:;!? ")
