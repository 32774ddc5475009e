"""How VLMEvalKit compares free-form answers of MathVision before it asks its judge."""

from __future__ import annotations

import re

from vzero.answers.formulas import arithmetic, same_formula
from vzero.answers.matching import UNRESOLVED, Expected, Match

# The first box, up to the first closing brace: a fraction in LaTeX is cut in two.
BOXED = re.compile(r"\\boxed\{([^}]*)\}")
CLOSE = 1e-6


def mathvision(prediction: str, expected: Expected) -> Match:
    """The reply, or what stands in its first box, against the answer by `is_equal`."""
    boxed = BOXED.search(prediction)
    return is_equal(boxed[1] if boxed else prediction, expected.answer)


def is_equal(said: str, answer: str) -> Match:
    """Equal in lower case without blanks around, or numbers less than a millionth apart, or equal formulas.

    The toolkit runs both texts as Python and adds up any expression; here only arithmetic is worked out.
    """
    one, other = said.lower().strip(), answer.lower().strip()
    if one == other:
        return Match(True, "text")
    first, second = arithmetic(one), arithmetic(other)
    if first is not None and second is not None and abs(first - second) < CLOSE:
        return Match(True, "number")
    return Match(True, "formula") if same_formula(one, other) else UNRESOLVED
