"""Each toolkit compares the free-form answers of a benchmark in its own way; these pick a benchmark's.

What a toolkit leaves to a judge, or a benchmark it has no rule for, is unresolved.
"""

from __future__ import annotations

from collections.abc import Callable

from vzero.answers.matching import UNRESOLVED, Expected, Match
from vzero.answers.readers import mathvision, mathvista, mmmu_open

Compare = Callable[[str, Expected], Match]


def _same_words(prediction: str, expected: Expected) -> Match:
    """lmms-eval on RealWorldQA: equal in lower case without periods around."""
    one, other = (text.lower().strip().rstrip(".") for text in (prediction, expected.answer))
    return Match(one == other, "text")


# By the beginning of the benchmark's name.
VLMEVALKIT: dict[str, Compare] = {
    "mmmu": mmmu_open.two_way,
    "mathvista": mathvista.by_answer_type,
    "mathvision": mathvision.mathvision,
}
LMMS_EVAL: dict[str, Compare] = {"mmmu": mmmu_open.official, "realworldqa": _same_words}


def vlmevalkit(prediction: str, expected: Expected) -> Match:
    """As VLMEvalKit without a judge."""
    return _of_benchmark(VLMEVALKIT, prediction, expected)


def lmms_eval(prediction: str, expected: Expected) -> Match:
    """As lmms-eval without a judge."""
    return _of_benchmark(LMMS_EVAL, prediction, expected)


def _of_benchmark(rules: dict[str, Compare], prediction: str, expected: Expected) -> Match:
    for name, compare in rules.items():
        if (expected.benchmark or "").startswith(name):
            return compare(prediction, expected)
    return UNRESOLVED
