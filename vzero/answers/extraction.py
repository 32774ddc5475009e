"""What reading a letter out of a reply gives, whichever reader reads it."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Extraction:
    """The letter a reader read, and the rule that decided.

    `letter` is `None` when no rule could read the reply, and "Z" where the reader reads a refusal.
    """

    letter: str | None
    rule: str


UNRESOLVED = Extraction(None, "unresolved")


def lettered(options: Sequence[str | None]) -> dict[str, str]:
    """Option texts under the letters they are asked with: A, B, C, ... A missing option's letter is skipped.

    Raises ValueError for more than 26 options.
    """
    if len(options) > len(string.ascii_uppercase):
        raise ValueError(f"{len(options)} options: letters end at {len(string.ascii_uppercase)}")
    letters = zip(string.ascii_uppercase, options, strict=False)
    return {letter: text for letter, text in letters if text is not None}
