"""Formulas and arithmetic as text: equal in value or not. No text is ever executed."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

FORMULA = re.compile(r"[\\^_{}=+*/$]|\d")
LATEX_TEXT = re.compile(r"\\(?:text|mathrm|mbox)\s*\{([^{}]*)\}|\\[,;! ]")
WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")
LONGEST = 200  # characters
SECONDS = 2  # for one formula; needs the main thread of the process
# Powers are left out: "9**9**9" would never end.
ARITHMETIC: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def same_formula(one: str, other: str) -> bool:
    """Whether two LaTeX texts have equal values, by math-verify's grammar."""
    texts = (one.strip(), other.strip())
    if any(len(text) > LONGEST or not FORMULA.search(text) for text in texts):
        return False
    # math-verify drops words and units: "12 cats" would equal "12 dogs".
    if any(WORD.search(without_latex_marks(text)) for text in texts):
        return False
    from math_verify import verify  # here, because it imports sympy, which takes a second

    first, second = (_formulas(text) for text in texts)
    return bool(first and second) and verify(second, first, timeout_seconds=SECONDS)


def without_latex_marks(text: str) -> str:
    """A number in LaTeX as plain text: dollar signs around and the marks of words in between go."""
    bare = text.strip()
    bare = bare[1:-1] if len(bare) > 2 and bare[0] == bare[-1] == "$" else bare
    return LATEX_TEXT.sub(lambda found: found[1] or "", bare)


def _formulas(text: str) -> list[Any]:
    from math_verify import LatexExtractionConfig, parse

    # Only the LaTeX grammar: math-verify's reader of plain expressions hands text to Python.
    dressed = text if "$" in text or "\\boxed" in text else f"${text}$"
    return parse(dressed, [LatexExtractionConfig()], fallback_mode="no_fallback", parsing_timeout=SECONDS)


def arithmetic(text: str) -> float | None:
    """The value of a number, or of sums, products and quotients of numbers; None for any other text."""
    if len(text) > LONGEST:
        return None
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.UnaryOp) and type(node.op) in ARITHMETIC:
        return ARITHMETIC[type(node.op)](_value(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        return ARITHMETIC[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError(f"no arithmetic: {ast.dump(node)[:40]}")
