"""Which prompts are decoded together: those that share a picture, within a budget of tokens and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Cost:
    """What one prompt takes of a model."""

    tokens: int
    """Prompt and longest answer."""
    pixels: dict[str, int]
    """After resizing, by picture: one that several prompts show is encoded once. The first leads."""


def batches(costs: Sequence[Cost], *, tokens: int, pixels: int) -> list[list[int]]:
    """Indices of prompts by batch. Every prompt is in one batch; one over the budget has its own.

    A batch of n prompts takes n times the tokens of its longest. Prompts with the same first picture stand
    together, as far as the budget allows, and sets of them are ordered by length, so that little is padded.
    """
    found: list[list[int]] = []
    longest, shown = 0, dict[str, int]()
    for index in _in_order(costs):
        cost = costs[index]
        longer = max(longest, cost.tokens)
        wider = shown | cost.pixels
        fits = found and (len(found[-1]) + 1) * longer <= tokens and sum(wider.values()) <= pixels
        if fits:
            found[-1].append(index)
            longest, shown = longer, wider
        else:
            found.append([index])
            longest, shown = cost.tokens, dict(cost.pixels)
    return found


def _in_order(costs: Sequence[Cost]) -> list[int]:
    """Prompts by picture, pictures by their longest prompt; ties in the order given."""

    def leading(index: int) -> str:
        return next(iter(costs[index].pixels), "")

    by_picture = [list(some) for _, some in groupby(sorted(range(len(costs)), key=leading), key=leading)]
    by_picture.sort(key=lambda some: (max(costs[index].tokens for index in some), some[0]))
    return [index for some in by_picture for index in sorted(some, key=lambda index: costs[index].tokens)]
