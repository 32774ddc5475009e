"""Each toolkit compares the free-form answers of a benchmark in its own way; these pick a benchmark's.

What a toolkit leaves to a judge, or a benchmark it has no rule for, is unresolved.
"""

from __future__ import annotations

from collections.abc import Callable

from vzero.evaluate.matching import UNRESOLVED, Asked, Match
from vzero.evaluate.policies import mathvision, mathvista, mmmu_open

Compare = Callable[[str, Asked], Match]


def _same_words(prediction: str, asked: Asked) -> Match:
    """lmms-eval on RealWorldQA: equal in lower case without periods around."""
    one, other = (text.lower().strip().rstrip(".") for text in (prediction, asked.answer))
    return Match(one == other, "text")


# By the beginning of the benchmark's name.
VLMEVALKIT: dict[str, Compare] = {
    "mmmu": mmmu_open.two_way,
    "mathvista": mathvista.by_answer_type,
    "mathvision": mathvision.mathvision,
}
LMMS_EVAL: dict[str, Compare] = {"mmmu": mmmu_open.official, "realworldqa": _same_words}


def vlmevalkit(prediction: str, asked: Asked) -> Match:
    """As VLMEvalKit without a judge."""
    return _of_benchmark(VLMEVALKIT, prediction, asked)


def lmms_eval(prediction: str, asked: Asked) -> Match:
    """As lmms-eval without a judge."""
    return _of_benchmark(LMMS_EVAL, prediction, asked)


def _of_benchmark(rules: dict[str, Compare], prediction: str, asked: Asked) -> Match:
    for name, compare in rules.items():
        if (asked.benchmark or "").startswith(name):
            return compare(prediction, asked)
    return UNRESOLVED
