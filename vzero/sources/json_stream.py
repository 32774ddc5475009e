"""Large JSON documents item by item, in memory that does not grow with the file.

Standard JSON has no NaN and no Infinity, but Python writes both; here they are read as null, so that one
such number spoils its own row only. Nesting is bounded, because the parser's memory grows with its square.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson
import numpy as np

from vzero.sources.annotation import SourceError

DEEPEST = 64  # brackets inside each other; published annotations have fewer than ten
STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)'  # to its end, or to that of the block
NOT_A_NUMBER = re.compile(rb"(%s)|-?\b(?:NaN|Infinity)\b" % STRING, re.DOTALL)
ESCAPE = re.compile(rb"\\.", re.DOTALL)
NOT_MARKS = bytes(set(range(256)) - set(b'[]{}"'))
STEPS = np.zeros(256, np.int64)  # what a byte adds to the depth
STEPS[[*b"[{"]] = 1
STEPS[[*b"]}"]] = -1


def list_items(path: Path, key: str = "") -> Iterator[Any]:
    """The items of the list under a key of the document; none when there is no such list.

    Without a key, the document itself is the list.
    """
    prefix = f"{key}.item" if key else "item"
    yield from _parsed(path, lambda file: ijson.items(file, prefix, use_float=True))


def entries(path: Path) -> Iterator[tuple[str, Any]]:
    """Keys and values of a document that is one large object."""
    yield from _parsed(path, lambda file: ijson.kvitems(file, "", use_float=True))


def _parsed(path: Path, parse: Any) -> Iterator[Any]:
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    with path.open("rb") as file:
        try:
            yield from parse(_Guarded(file))
        # ValueError: text that is no UTF-8, too deep, or a number of thousands of digits.
        except (ijson.JSONError, ValueError) as error:
            reason = error.args[0] if error.args else error
            text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
            raise SourceError(f"{path}: not readable JSON: {' '.join(text.split())[:200]}") from error


class _Guarded:
    """A file as the parser reads it: without NaN and Infinity, and refused when nested too deep."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._rest = b""
        self._inside = False  # whether the last block ended inside a string
        self._depth = 0

    def read(self, amount: int) -> bytes:
        if amount == 0:
            return b""
        block = self._next_block(max(amount, 2**16))
        if b"NaN" in block or b"Infinity" in block:
            opened = b'"' if self._inside else b""
            replaced = NOT_A_NUMBER.sub(lambda found: found[1] or b"null", opened + block)
            block = replaced.removeprefix(opened)
        self._follow(block)
        return block

    def _next_block(self, amount: int) -> bytes:
        """Bytes up to a comma, so that no number, word or escape is cut in two."""
        parts = [self._rest]
        while more := self._file.read(amount):
            end = more.rfind(b",") + 1
            if end:
                self._rest = more[end:]
                return b"".join([*parts, more[:end]])
            parts.append(more)
        self._rest = b""
        return b"".join(parts)

    def _follow(self, block: bytes) -> None:
        """Keep count of open strings and brackets."""
        text = ESCAPE.sub(b"", block) if b"\\" in block else block
        marks = np.frombuffer(text.translate(None, NOT_MARKS), np.uint8)
        if not marks.size:
            return
        inside = (np.cumsum(marks == ord('"')) + self._inside) % 2 == 1
        depths = self._depth + np.cumsum(np.where(inside, 0, STEPS[marks]))
        if depths.max() > DEEPEST:
            raise ValueError(f"more than {DEEPEST} brackets inside each other")
        self._inside, self._depth = bool(inside[-1]), int(depths[-1])
