"""Orders that look random, but depend on nothing but a text: the same everywhere and for ever."""

from __future__ import annotations

from collections.abc import Iterable

import xxhash


def shuffled(texts: Iterable[str], key: str) -> list[str]:
    """Different texts in an order drawn by `key`, whatever order they came in."""
    start = xxhash.xxh64_intdigest(key.encode(errors="replace"))

    def place(text: str) -> tuple[int, str]:
        return xxhash.xxh64_intdigest(text.encode(errors="replace"), start), text

    return sorted(texts, key=place)
