"""What text, option, answer and image cells of benchmarks hold. Texts are kept to the last blank."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from vzero.untrusted.cells import LETTERS, is_null, parse_literal, split_options
from vzero.untrusted.rejects import RejectCode, Rejected

Options = list[str | None]  # by letter; None where a letter between others is not offered

LETTER = re.compile(r"\s*\(?([A-Z])[).:]?\s*")
OPTION_MARK = re.compile(r"^\s*(?:\(([A-Z])\)|([A-Z])[.):])\s+")
QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
# How to answer, where it follows the options in the question's own text.
INSTRUCTIONS = (
    "Answer with the option's letter from the given choices directly.",
    "Please answer directly with only the letter of the correct option and nothing else.",
)


def text_of(cell: Any) -> str | None:
    """The cell as text, as Python writes numbers; `None` for a missing or blank one."""
    if is_null(cell) or not str(cell).strip():
        return None
    return str(cell)


def require(cell: Any, code: RejectCode, what: str) -> str:
    text = text_of(cell)
    if text is None:
        raise Rejected(code, f"no {what}")
    return text


def options_in_list(cell: Any) -> Options:
    """Options from a list, Python or JSON text of one, or lines; marks `(A) ` and `A. ` in order are cut."""
    if is_null(cell) or (isinstance(cell, str) and not cell.strip()):
        return []
    if isinstance(cell, str):
        cell = _listed(cell)
    if not isinstance(cell, (list, tuple)) or len(cell) > len(LETTERS):
        raise Rejected(RejectCode.BAD_OPTIONS, f"{type(cell).__name__} is no list of options")
    texts = [str(option) for option in cell]
    marks = [OPTION_MARK.match(text) for text in texts]
    letters = [mark and (mark[1] or mark[2]) for mark in marks]
    if letters == list(LETTERS[: len(texts)]):
        return [OPTION_MARK.sub("", text) for text in texts]
    return list(texts)


def _listed(text: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return parse_literal(text)
        except ValueError as error:
            raise Rejected(RejectCode.BAD_OPTIONS, str(error)) from error
    # A heading may stand before the lines.
    return [line for line in text.splitlines() if OPTION_MARK.match(line)]


def options_in_text(text: str) -> tuple[str, Options]:
    """The question and the options that stand in its text, on lines of their own or one after the other.

    Forms: lines `A. x`, `A) x`, `(A) x`; in a line `(A) x (B) y`; `Options: A: x, B: y`.
    """
    bare = text
    for instruction in INSTRUCTIONS:
        bare = bare.rstrip().removesuffix(instruction)
    bare = bare.rstrip()
    question, options = split_options(bare)
    if options:
        return question, list(options)
    for heading, mark in (("Options:", "{}:"), ("", "({})")):
        question, found = _marked_in_line(bare, heading, mark)
        if len(found) > 1:
            return question, list(found)
    return text, []


def _marked_in_line(text: str, heading: str, mark: str) -> tuple[str, list[str]]:
    start = text.find(heading)
    first = text.find(mark.format("A"), max(start, 0))
    if start < 0 or first < 0:
        return text, []
    options, at = [], first
    for letter, following in pairwise(LETTERS):
        begin = at + len(mark.format(letter))
        found = re.search(r"[\s,]" + re.escape(mark.format(following)), text[begin:])
        end = begin + found.start() if found else len(text)
        options.append(text[begin:end].strip().removesuffix(",").strip())
        if not found:
            break
        at = end + 1
    return text[: start if heading else first].strip(), options


def answer_letter(cell: Any, options: Options) -> str:
    """The letter of the right option, from `B`, `(B)`, `B.` or the option's text."""
    text = require(cell, RejectCode.BAD_ANSWER, "answer")
    match = LETTER.fullmatch(text)
    if match and match[1] in LETTERS[: len(options)]:
        return match[1]
    if text in options:
        return LETTERS[options.index(text)]
    raise Rejected(RejectCode.ANSWER_NOT_IN_OPTIONS, f"{text[:80]!r} with {len(options)} options")


def images_in(cell: Any) -> list[bytes]:
    """Encoded images of a cell: bytes, base64 text, a struct with bytes, or a list of these (or its text)."""
    if is_null(cell) or cell == "" or cell == []:
        return []
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        # Not parsed as Python: the text may hold hundreds of megabytes. Base64 has neither quotes nor commas.
        cell = [single or double for single, double in QUOTED.findall(cell)]
    if isinstance(cell, Sequence) and not isinstance(cell, (str, bytes)):
        return [image for part in cell for image in images_in(part)]
    if isinstance(cell, dict):
        if is_null(cell.get("bytes")) and not is_null(cell.get("path")):
            raise Rejected(RejectCode.MISSING_IMAGE, "the file holds a path instead of the image")
        return images_in(cell.get("bytes"))
    if isinstance(cell, str):
        return [_decoded(cell)]
    if not isinstance(cell, bytes):
        raise Rejected(RejectCode.MISSING_IMAGE, f"{type(cell).__name__} is no image")
    return [cell]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected(RejectCode.UNREADABLE_IMAGE, f"not base64: {error}") from error
