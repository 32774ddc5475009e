"""Orders that look random, but depend on nothing but a text: the same everywhere and for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def shuffled(texts: Iterable[str], key: str) -> list[str]:
    """Different texts in an order drawn by `key`, whatever order they came in."""
    return sorted(texts, key=lambda text: hashlib.sha256(f"{key}\0{text}".encode(errors="replace")).digest())
