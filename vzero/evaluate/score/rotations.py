"""Circular evaluation (MMBench): a question counts if it is right in every rotation of its options."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from vzero.evaluate.score.accuracy import accuracy_table
from vzero.evaluate.score.rows import Scored

# Benchmarks whose names hold one of these are asked in rotations.
CIRCULAR = ("mmbench", "ccbench", "circular", "mmcr")
ROTATION = 1_000_000  # a rotation's index is the question's plus a multiple of this


def circular_hits(rows: Iterable[Scored]) -> dict[str, Any]:
    """{"groups": {g_index: 0 or 1}, "table": accuracies of the groups as `accuracy_table` gives them}.

    A row's group is its `g_index`, or its index modulo a million. Groups whose own row (index equal to the
    group's) is missing are left out, as the toolkit leaves them out; one stored twice counts twice in the
    table.
    """
    groups: dict[int, list[Scored]] = defaultdict(list)
    for row, value in rows:
        groups[int(row.get("g_index", int(row["index"]) % ROTATION))].append((row, value))
    right = {group: min(value for _, value in rotations) for group, rotations in groups.items()}
    own = [
        (row, group)
        for group, rotations in groups.items()
        for row, _ in rotations
        if int(row["index"]) == group
    ]
    return {
        "groups": {group: right[group] for _, group in own},
        "table": accuracy_table([(row, right[group]) for row, group in own]),
    }
