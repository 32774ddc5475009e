"""Large JSON documents item by item, in memory that does not grow with the file.

Standard JSON has no NaN and no Infinity, but Python writes both; here they are read as null, and so are
numbers that no float or 64-bit integer holds, so that one such number spoils its own row only. Nesting is
bounded, because the parser's memory grows with its square, and so is an item, because all of it is held. Of
a key that an object has twice the last value counts, as in Python's own reader.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson
import numpy as np

from vzero.errors import SourceError

DEEPEST = 64  # brackets inside each other; published annotations have fewer than ten
LONGEST_ITEM = 2**20  # bytes; published ones have some thousands
MOST_MARKS = 200_000  # brackets, commas and strings of an item; as objects they take far more memory
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)'  # to its end, or to that of the block
NUMBER = rb"-?\d+(\.\d+)?(?:[eE][+-]?\d+)?"
ODD_NUMBER = re.compile(rb"(%s)|-?\b(?:NaN|Infinity)\b|%s" % (STRING, NUMBER), re.DOTALL)
MAYBE_ODD = re.compile(rb"NaN|Infinity|\d{19}|[eE]\+?\d{3}")
ESCAPE = re.compile(rb"\\.", re.DOTALL)
NOT_MARKS = bytes(set(range(256)) - set(b'[]{}",'))
STEPS = np.zeros(256, np.int64)  # what a byte adds to the depth
STEPS[[*b"[{"]] = 1
STEPS[[*b"]}"]] = -1


class CutShortError(SourceError):
    """The file ends before its document does; the items before that were good."""


def list_items(path: Path, key: str = "") -> Iterator[Any]:
    """The items of the list under a key of the document; none when there is no such list.

    Without a key, the document itself is the list.
    """
    prefix = f"{key}.item" if key else "item"
    yield from _parsed(path, lambda file: ijson.items(file, prefix, use_float=True), 2 if key else 1)


def entries(path: Path) -> Iterator[tuple[str, Any]]:
    """Keys and values of a document that is one large object."""
    yield from _parsed(path, lambda file: ijson.kvitems(file, "", use_float=True), 1)


def _parsed(path: Path, parse: Any, item_depth: int) -> Iterator[Any]:
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    with path.open("rb") as file:
        guarded = _Guarded(file, item_depth)
        try:
            yield from parse(guarded)
        # ValueError: text that is no UTF-8, too deep or too long, or a number of thousands of digits.
        except (ijson.JSONError, ValueError) as error:
            reason = error.args[0] if isinstance(error, ijson.JSONError) and error.args else error
            text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
            # A word or a number cut in two is an error of spelling to the parser.
            spelling = isinstance(error, ijson.IncompleteJSONError) or "lexical error" in text
            if spelling and guarded.ends_open:
                raise CutShortError(f"{path}: not readable JSON: the file ends too early") from error
            # The parser draws an arrow under the text.
            text = " ".join(text.partition("(right here)")[0].split())[:200]
            raise SourceError(f"{path}: not readable JSON: {text}") from error


def levels(text: bytes, *, inside: bool = False, depth: int = 0) -> tuple[np.ndarray, bool]:
    """How deep in brackets each mark of a piece of JSON leaves it, and whether it ends inside a string.

    Marks are brackets, commas and the ends of strings. `inside` and `depth` are those where the piece begins.
    """
    bare = ESCAPE.sub(b"", text) if b"\\" in text else text
    marks = np.frombuffer(bare.translate(None, NOT_MARKS), np.uint8)
    strings = (np.cumsum(marks == ord('"')) + inside) % 2 == 1
    depths = depth + np.cumsum(np.where(strings, 0, STEPS[marks]))
    return depths[~strings], bool(strings[-1]) if marks.size else inside


def too_deep(text: bytes) -> bool:
    """Whether JSON has more brackets inside each other than its values could be sent to another process."""
    brackets = text.count(b"[") + text.count(b"{")
    return brackets > DEEPEST and bool(levels(text)[0].max(initial=0) > DEEPEST)


def parse_json(text: bytes) -> Any:
    """The value of a short document. Raises ValueError when it is none, or absurdly large; it says why."""
    if len(text) > LONGEST_ITEM:
        raise ValueError(f"more than {LONGEST_ITEM:,} bytes")
    if text.count(b"[") + text.count(b"{") + text.count(b",") > MOST_MARKS:
        raise ValueError(f"more than {MOST_MARKS:,} brackets and commas")
    if too_deep(text):
        raise ValueError(f"more than {DEEPEST} brackets inside each other")
    try:
        return json.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    except json.JSONDecodeError as error:
        # Of a row, which is one line, this would be line 1 whatever its line in the file is.
        line = f"line {error.lineno}, " if b"\n" in text.strip() else ""
        what = error.msg.removesuffix(" at")
        raise ValueError(f"not JSON: {what} at {line}character {error.colno}") from error
    except ValueError as error:  # numbers of thousands of digits
        raise ValueError(f"not JSON: {error}") from error


def _held(found: re.Match[bytes]) -> bytes:
    """A string or a number as it stands, or null for a number that cannot be held."""
    if found[1] is not None:
        return found[1]
    value = float(found[0])
    whole = found[2] is None and b"e" not in found[0].lower()
    return found[0] if math.isfinite(value) and not (whole and abs(value) >= 2**63) else b"null"


class _Guarded:
    """A file as the parser reads it: without NaN and Infinity, and refused when too deep or an item too long.

    Items are what lies in `item_depth` brackets.
    """

    def __init__(self, file: BinaryIO, item_depth: int) -> None:
        self._file = file
        self._item_depth = item_depth
        start = file.read(len(BYTE_ORDER_MARK))
        self._rest = start.removeprefix(BYTE_ORDER_MARK)
        self._ended = False
        self._inside = False  # whether the last block ended inside a string
        self._depth = 0
        self._length, self._marks = 0, 0  # of the item so far, in bytes (about) and in marks

    @property
    def ends_open(self) -> bool:
        """Whether all is read and a bracket or a string is still open."""
        return self._ended and (self._depth > 0 or self._inside)

    def read(self, amount: int) -> bytes:
        if amount == 0:
            return b""
        block = self._next_block(max(amount, 2**16))
        if MAYBE_ODD.search(block):
            opened = b'"' if self._inside else b""
            replaced = ODD_NUMBER.sub(_held, opened + block)
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
            if len(parts) * amount > LONGEST_ITEM:
                raise ValueError(f"more than {LONGEST_ITEM:,} bytes without a comma")
        self._rest = b""
        self._ended = True
        return b"".join(parts)

    def _follow(self, block: bytes) -> None:
        """Keep count of open strings and brackets, and of the length of the item."""
        depths, self._inside = levels(block, inside=self._inside, depth=self._depth)
        if depths.max(initial=0) > DEEPEST:
            raise ValueError(f"more than {DEEPEST} brackets inside each other")
        if depths.size:
            self._depth = int(depths[-1])
        between = np.flatnonzero(depths <= self._item_depth)
        begins_here = len(between) > 0
        self._length = len(block) + (0 if begins_here else self._length)
        self._marks = depths.size - int(between[-1]) if begins_here else self._marks + depths.size
        if self._length > LONGEST_ITEM or self._marks > MOST_MARKS:
            raise ValueError(f"an item of more than {LONGEST_ITEM:,} bytes or {MOST_MARKS:,} marks")
