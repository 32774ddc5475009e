"""One tree of parameters over another, section by section."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

OWN_NAMES = ("ingest.benchmarks", "selfplay.photographs", "selfplay.iterations")
"""Sections whose names are the user's: null takes one away."""


@dataclass(frozen=True)
class Change:
    key: str  # dotted
    old: Any
    new: Any


def merge(tree: Any, values: dict[Any, Any], prefix: str = "") -> Iterator[Change]:
    """Set every value of a nested mapping in `tree`, section by section, yielding what differed."""
    for name, new in values.items():
        old = tree.get(name)
        key = f"{prefix}{name}"
        if new is None and prefix.removesuffix(".") in OWN_NAMES:
            if name in tree:
                del tree[name]
                yield Change(key, old, None)
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from merge(old, new, f"{key}.")
        elif old != new or name not in tree:
            tree[name] = new
            yield Change(key, old, new)


def merged(tree: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The same as a new tree; the given one stays as it is."""
    result = copy.deepcopy(tree)
    list(merge(result, values))
    return result
