"""Which options a text names in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

DENIAL = re.compile(
    r"\b(?:not|never|neither|nor|cannot|no|wrong|incorrect|unlikely|if|whether|unless|than)\b|n't\b|不",
    re.IGNORECASE,
)
CLAUSE_END = re.compile(r"[.!?。,;:\n]|\bbut\b", re.IGNORECASE)


def named(text: str, choices: Mapping[str, str]) -> set[str]:
    """Letters of the options whose full text stands in `text` as words, in any case, and is not denied.

    A text inside a longer option's text does not count ("red" in "dark red"), nor does "1" in "1.5".
    """
    letters: set[str] = set()
    taken: list[tuple[int, int]] = []
    for letter, option in sorted(choices.items(), key=lambda item: -len(item[1])):
        words = option.strip()
        if not words:
            continue
        for found in re.finditer(_as_words(words), text, 0 if len(words) == 1 else re.IGNORECASE):
            if any(start <= found.start() and found.end() <= end for start, end in taken):
                continue
            taken.append(found.span())
            if not denied(text, found.start()):
                letters.add(letter)
    return letters


def _as_words(words: str) -> str:
    return rf"(?<![A-Za-z0-9])(?<!\d[.,]){re.escape(words)}(?![A-Za-z0-9]|[.,]\d)"


def denied(text: str, place: int) -> bool:
    """Whether a "not", an "if" or the like stands before `place` in the same clause."""
    ends = [found.end() for found in CLAUSE_END.finditer(text, 0, place)]
    return bool(DENIAL.search(text, ends[-1] if ends else 0, place))
