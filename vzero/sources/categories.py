"""Which categories of a data set may be offered beside each other as options: those that exclude each other.

Files list more categories than anybody annotated: a root that all others belong to (Roboflow's has the id
0), or the classes of another project. By the annotations they are in no picture, in truth they are in many.
And an object has several right names where categories lie inside each other, or are spelled in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_LEVELS = 20  # of super-categories above each other; hostile files have rings and endless chains


@dataclass(frozen=True)
class Categories:
    """Categories that some object is annotated with."""

    names: tuple[str, ...]
    related: Mapping[str, frozenset[str]]
    """By name: all that the same object may be called; itself, other spellings, super-categories, parts."""

    def apart_from(self, names: Iterable[str]) -> list[str]:
        """Categories related to none of `names`."""
        excluded = frozenset[str]().union(*(self.related[name] for name in names))
        return [name for name in self.names if name not in excluded]


def categories_of(annotated: Iterable[str], supercategories: Iterable[tuple[str, str]] = ()) -> Categories:
    """Of the names of all objects, and pairs of any category's name and its super-category's."""
    names = tuple(dict.fromkeys(annotated))
    spelled: dict[str, list[str]] = {}
    for name in names:
        spelled.setdefault(_plain(name), []).append(name)
    above: dict[str, set[str]] = {}
    for name, wider in supercategories:
        above.setdefault(_plain(name), set()).add(_plain(wider))
    related = {name: {name} for name in names}
    for name in names:
        for plain in _with_all_above(_plain(name), above):
            for other in spelled.get(plain, ()):
                related[name].add(other)
                related[other].add(name)
    return Categories(names, {name: frozenset(others) for name, others in related.items()})


def _with_all_above(plain: str, above: Mapping[str, set[str]]) -> set[str]:
    found = level = {plain}
    for _ in range(MOST_LEVELS):
        level = {wider for name in level for wider in above.get(name, ())} - found
        found = found | level
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.casefold()).strip()
