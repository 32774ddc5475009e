"""What many texts begin with, so that it is run once: a question before its options in many orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

SHARED_BY = 8
"""Texts that a stem is run once for; for fewer another pass through the model costs as much as it saves."""
Text = tuple[int, ...]


def stems(texts: Mapping[int, Text]) -> dict[int, int]:
    """How many tokens of each text, by its number, are run once for all that begin alike; 0: none.

    Texts are parted so that the fewest tokens are run. At least one token of each is left.
    """
    parts = _parted(sorted(texts.items(), key=lambda item: item[1]))[1]
    return {number: stem for members, stem in parts for number in members}


def _parted(texts: Sequence[tuple[int, Text]]) -> tuple[int, list[tuple[list[int], int]]]:
    """Tokens to be run for sorted texts, and the parts: the texts' numbers and the length of their stem."""
    numbers, apart = [number for number, _ in texts], sum(len(text) for _, text in texts)
    if len(texts) < SHARED_BY:
        return apart, [(numbers, 0)]
    first, last = texts[0][1], texts[-1][1]
    alike = [one == other for one, other in zip(first, last, strict=False)]
    longest = alike.index(False) if False in alike else len(alike)
    stem = min(longest, min(len(text) for _, text in texts) - 1)
    whole = apart - stem * (len(texts) - 1), [(numbers, stem)]
    if stem < longest or stem == len(last) - 1:
        return whole
    parts = [_parted(list(part)) for _, part in groupby(texts, key=lambda item: item[1][stem])]
    split = sum(tokens for tokens, _ in parts), [found for _, part in parts for found in part]
    return min(whole, split, key=lambda parting: parting[0])
