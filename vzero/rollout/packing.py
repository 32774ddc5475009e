"""Which prompts go through a model together: similar lengths, under a budget of tokens."""

from __future__ import annotations

from collections.abc import Sequence


def pack(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Indices of `lengths` in parts, shortest first; a part's padded size (count x longest) is within budget.

    What is longer than the budget by itself makes a part of its own: it has to be computed anyway.
    """
    parts: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if parts and (len(parts[-1]) + 1) * lengths[index] <= budget:
            parts[-1].append(index)
        else:
            parts.append([index])
    return parts
