"""How much of what was asked is the same question over and over."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

WORD = re.compile(r"\w+")


def repeated_shares(texts: Sequence[str], earlier: Sequence[str] = (), *, similar: float) -> list[float]:
    """Of each text, the share of all others, those of `earlier` included, that nearly repeat it.

    Two texts do where their pairs of neighbouring words, case aside, have a Jaccard index of `similar` or
    more. 0 for a text without others.
    """
    counts = Counter(_pairs(text) for text in (*texts, *earlier))
    others = counts.total() - 1
    alike = {
        pairs: sum(number for other, number in counts.items() if _jaccard(pairs, other) >= similar) - 1
        for pairs in {_pairs(text) for text in texts}
    }
    return [alike[_pairs(text)] / others if others else 0.0 for text in texts]


def _pairs(text: str) -> frozenset[tuple[str, ...]]:
    """Neighbouring words; a text of one word or none is its own only pair."""
    words = WORD.findall(text.casefold())
    return frozenset(pairwise(words)) or frozenset([tuple(words)])


def _jaccard(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other)
