"""One row of a toolkit's file of predictions as a row of `stored.Stored`, but for benchmark and view."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

from vzero.benchmarks.cells import options_in_list, options_in_text
from vzero.evaluate.score.rotations import ROTATION
from vzero.evaluate.score.rows import LETTERS, missing
from vzero.untrusted.rejects import Rejected

LETTER = re.compile(r"\(?([A-Z])[).]?")
QUESTION_COLUMNS = ("question", "text", "query", "prompt", "input")
OPTION_COLUMNS = ("options", "choices", "multi-choice options")


def vlmevalkit_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of columns index, question, A to Z, answer, prediction; a missing prediction reads as "nan"."""
    text = "nan" if missing(row["prediction"]) else str(row["prediction"])
    # MathVista has the letter of a choice in a column of its own.
    answer = row["answer"] if missing(row.get("answer_option")) else row["answer_option"]
    return _stored(row, _text(row["index"]), _letter_columns(row) or _listed(row), str(answer), text)


def lmms_eval_row(sample: Mapping[str, Any]) -> dict[str, Any]:
    """A logged sample. Columns are looked for in `doc`, then in the metrics, which often repeat some.

    Newer versions of the toolkit leave `doc` out; the options are then read from the prompt.
    """
    columns: dict[str, Any] = {}
    for cell in sample.values():
        if isinstance(cell, dict):
            columns |= cell
    columns |= sample.get("doc") or {}
    columns["input"] = sample.get("input")
    options = _letter_columns(columns) or _listed(columns) or _in_text(columns)
    item = columns.get("index", sample["doc_id"])
    found = LETTER.fullmatch(str(sample["target"]).strip())
    answer = found[1] if options and found else str(sample["target"])
    return _stored(columns, str(item), options, answer, _reply(sample))


def _reply(sample: Mapping[str, Any]) -> str:
    """The raw reply; the toolkit drops `resps` where filtering has changed nothing."""
    cell = sample.get("resps") or sample.get("filtered_resps")
    while isinstance(cell, list) and cell:
        cell = cell[0]
    return "nan" if cell is None or cell == [] else str(cell)


def _stored(
    row: Mapping[str, Any], item: str, options: list[str | None], answer: str, text: str
) -> dict[str, Any]:
    cycle = None if missing(row.get("cycle_category")) else _text(row["cycle_category"])
    question = next((_text(row[name]) for name in QUESTION_COLUMNS if isinstance(row.get(name), str)), "")
    category = _text(row.get("category"))
    return {
        "item": item,
        "group": _group(item, cycle, question, category, options, row),
        "category": category,
        "l2_category": _text(row.get("l2-category", row.get("l2_category"))),
        "source": _text(row.get("source")),
        "cycle": cycle,
        "question": question,
        "options": options,
        "answer": answer,
        "answer_type": _text(row.get("answer_type")),
        "text": text,
    }


def _group(
    item: str,
    cycle: str | None,
    question: str,
    category: str,
    options: list[str | None],
    row: Mapping[str, Any],
) -> str:
    """Orders of one question stand or fall together; images are not stored, so they group no further."""
    if cycle is not None:
        return "|".join([question, category, *sorted(text or "" for text in options)])
    if not missing(row.get("g_index")):
        return _text(row["g_index"])
    return str(int(item) % ROTATION) if item.isdecimal() else item


def _letter_columns(row: Mapping[str, Any]) -> list[str | None]:
    """Options from columns A to Z up to the last that is there; null where one before it is missing."""
    last = max(LETTERS.intersection(row), default="")
    letters = string.ascii_uppercase[: string.ascii_uppercase.find(last) + 1] if last else ""
    options = [None if missing(row.get(letter)) else str(row[letter]) for letter in letters]
    while options and options[-1] is None:
        options.pop()
    return options


def _listed(row: Mapping[str, Any]) -> list[str | None]:
    for name in OPTION_COLUMNS:
        try:
            if found := options_in_list(row.get(name)):
                return found
        except Rejected:
            continue
    return []


def _in_text(row: Mapping[str, Any]) -> list[str | None]:
    for name in QUESTION_COLUMNS:
        if isinstance(row.get(name), str) and (found := options_in_text(row[name])[1]):
            return found
    return []


def _text(cell: Any) -> str:
    """The cell as text; whole numbers without a fraction, which an empty cell in their column gives them."""
    if missing(cell):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
