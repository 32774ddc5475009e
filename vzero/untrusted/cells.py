"""What text, option, answer and image cells hold."""

from __future__ import annotations

import ast
import contextlib
import json
import math
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from vzero.untrusted.json_stream import too_deep
from vzero.untrusted.rejects import RejectCode, Rejected

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
IMAGE_MARKER = "<image>"
MOST_IMAGES = 1000  # of a row, after the first
LONGEST_TEXT = 100_000  # characters of a question, option, answer or id; no model reads more
LONGEST_JSON = 2**20  # characters of a cell that is parsed; a thousand boxes with names take a tenth
LONGEST_LITERAL = 100_000  # characters; Python's parser takes memory out of proportion
OPTION_LINE = re.compile(r"(?:\(([A-Z])\)|([A-Z])[.):])\s+(\S.*)")  # of a line without space around it


def is_null(cell: Any) -> bool:
    """Whether a cell is empty: null, or the NaN that data frames write for it."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def printable(text: str) -> str:
    """Text that can be stored: half characters (lone surrogates, from JSON escapes) written out."""
    return text.encode(errors="backslashreplace").decode()


def shown(value: Any) -> str:
    """The beginning of a value as Python writes it, for a message."""
    try:
        return repr(value)[:80]
    # Numbers of thousands of digits are not written out, and brackets inside each other only so deep.
    except (ValueError, RecursionError):
        return f"{type(value).__name__} that cannot be shown"


def parse_literal(text: str) -> Any:
    """The value of JSON or Python text. Raises ValueError when it is neither, or too long."""
    if len(text) > LONGEST_JSON:
        raise ValueError(f"{len(text):,} characters")
    if too_deep(text.encode(errors="replace")):
        raise ValueError(f"brackets too deep: {text[:80]!r}")
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text)
    try:
        if len(text) > LONGEST_LITERAL:
            raise ValueError("too long")
        return ast.literal_eval(text)
    # What the parser raises on hostile text, besides saying that it is wrong.
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"neither JSON nor Python: {text[:80]!r}") from error


def require_text(cell: Any, code: RejectCode, what: str) -> str:
    """Text without surrounding space. Raises Rejected, with this code, when there is none."""
    if is_null(cell):
        raise Rejected(code, f"no {what}")
    if not isinstance(cell, str):
        raise Rejected(code, f"{what} is {type(cell).__name__}, not text")
    try:
        cell.encode()
    except UnicodeEncodeError as error:
        raise Rejected(RejectCode.MALFORMED_ROW, f"{what} holds half a character") from error
    if not cell.strip():
        raise Rejected(code, f"{what} is blank")
    if len(cell) > LONGEST_TEXT:
        raise Rejected(code, f"{what} of {len(cell):,} characters")
    return cell.strip()


def parse_question(cell: Any, images: int = 1) -> str:
    """The question without the marks for its images, so many at most, which stand before it or after it."""
    text = require_text(cell, RejectCode.MISSING_QUESTION, "question")
    before = after = text
    for _ in range(images):
        before = before.removeprefix(IMAGE_MARKER).lstrip()
        after = after.removesuffix(IMAGE_MARKER).rstrip()
    text = before if before != text else after
    if IMAGE_MARKER in text:
        raise Rejected(RejectCode.IMAGE_MARKER, f"{IMAGE_MARKER} inside the question")
    return require_text(text, RejectCode.MISSING_QUESTION, "question")


def parse_id(cell: Any) -> str:
    """A sample id: text or a whole number."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    return require_text(cell, RejectCode.MISSING_ID, "id")


def parse_options(cell: Any) -> list[str]:
    """Option texts in order: from a list, a dictionary by letter, or JSON or Python text of one."""
    if isinstance(cell, str):
        try:
            cell = parse_literal(cell) if cell.strip() else None
        except ValueError as error:
            raise Rejected(RejectCode.BAD_OPTIONS, str(error)) from error
    if is_null(cell) or cell == []:
        return []
    if isinstance(cell, dict):
        if list(cell) != list(LETTERS[: len(cell)]):
            raise Rejected(RejectCode.BAD_OPTIONS, "keys are not A, B, C ...")
        cell = list(cell.values())
    if not isinstance(cell, (list, tuple)):
        raise Rejected(RejectCode.BAD_OPTIONS, f"{type(cell).__name__} is no list of texts")
    if not 2 <= len(cell) <= len(LETTERS):
        raise Rejected(RejectCode.BAD_OPTIONS, f"{len(cell)} options")
    options = [require_text(_as_text(option), RejectCode.BAD_OPTIONS, "option") for option in cell]
    if any(IMAGE_MARKER in option for option in options):
        raise Rejected(RejectCode.IMAGE_MARKER, f"{IMAGE_MARKER} inside an option")
    if len(set(options)) < len(options):
        raise Rejected(RejectCode.BAD_OPTIONS, "the same option twice")
    return options


def _as_text(cell: Any) -> Any:
    """Numbers as text; everything else as it is."""
    number = isinstance(cell, (int, float)) and not isinstance(cell, bool) and not is_null(cell)
    with contextlib.suppress(ValueError):  # a number of thousands of digits
        return str(cell) if number else cell
    return cell


def parse_answer(cell: Any, options: Sequence[str]) -> str | None:
    """The option's letter, or the text of an open answer; `None` when there is none.

    With options, a letter names an option even if another option's text is that letter. The letter may stand
    before its option's text, `B. blue`.
    """
    if is_null(cell) or cell == "":
        return None
    text = require_text(_as_text(cell), RejectCode.BAD_ANSWER, "answer")
    if not options:
        return text
    letter = re.sub(r"^\(?([A-Za-z])[.)]?\)?$", r"\1", text).upper()
    if letter in LETTERS[: len(options)] and len(letter) == 1:
        return letter
    if text in options:
        return LETTERS[options.index(text)]
    line = OPTION_LINE.fullmatch(text)
    if line and line[3] in options and LETTERS[options.index(line[3])] == (line[1] or line[2]):
        return line[1] or line[2]
    raise Rejected(RejectCode.ANSWER_NOT_IN_OPTIONS, f"{text[:80]!r} with {len(options)} options")


def split_options(text: str) -> tuple[str, list[str]]:
    """Question text and the options that stand in it as lines `A. ...`, `A) ...` or `(A) ...`.

    The lines must be consecutive, blank ones aside, and begin with A, B, ...; otherwise the text is left as
    it is.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    found = [OPTION_LINE.fullmatch(line.strip()) for line in lines]
    marked = [number for number, match in enumerate(found) if match]
    letters = [match[1] or match[2] for match in found if match]
    run = list(range(marked[0], marked[0] + len(marked))) if marked else []
    if len(marked) < 2 or marked != run or letters != list(LETTERS[: len(marked)]):
        return text, []
    before, after = lines[: marked[0]], lines[marked[-1] + 1 :]
    if before and before[-1].strip().lower() in ("options:", "choices:"):
        before = before[:-1]
    question = "\n".join((*before, *after)).strip()
    return question, [match[3] for match in found if match]


def single_image(cell: Any) -> Any:
    """The path or the bytes in an image cell: itself, a list of one, or `{bytes, path}`."""
    if isinstance(cell, (list, tuple)):
        if len(cell) != 1:
            raise Rejected(RejectCode.MISSING_IMAGE, f"{len(cell)} images in a row instead of one")
        cell = cell[0]
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path") or cell.get("image")
    if is_null(cell) or cell == "":
        raise Rejected(RejectCode.MISSING_IMAGE, "no image named")
    if not isinstance(cell, (str, bytes)):
        raise Rejected(RejectCode.MISSING_IMAGE, f"{type(cell).__name__} is neither path nor bytes")
    return cell


def parse_more_images(cell: Any) -> list[str | bytes]:
    """The paths or bytes in a cell that lists the images after the first one; [] of an empty cell.

    Each is as in an image cell; the list may be JSON or Python text of one.
    """
    if isinstance(cell, str):
        try:
            cell = parse_literal(cell) if cell.strip() else None
        except ValueError as error:
            raise Rejected(RejectCode.MISSING_IMAGE, f"no list of further images: {error}") from error
    if is_null(cell):
        return []
    if not isinstance(cell, (list, tuple)):
        raise Rejected(RejectCode.MISSING_IMAGE, f"{type(cell).__name__} is no list of further images")
    if len(cell) > MOST_IMAGES:
        raise Rejected(
            RejectCode.MISSING_IMAGE, f"{len(cell):,} further images; at most {MOST_IMAGES:,} are read"
        )
    images = []
    for number, image in enumerate(cell, start=2):
        try:
            images.append(single_image(image))
        except Rejected as rejected:
            raise rejected.of(f"image {number}") from rejected
    return images


def folder_of(cell: Any) -> str:
    """The folder that the path in an image cell leads to; "" where there is none."""
    if isinstance(cell, (list, tuple)):
        cell = cell[0]
    path = cell.get("path") or cell.get("image") if isinstance(cell, dict) else cell
    parent = str(PurePosixPath(printable(path)).parent) if isinstance(path, str) else "."
    return "" if parent == "." else parent
