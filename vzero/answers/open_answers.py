"""Whether a free-form reply gives the right answer, under a named reader.

Rules settle equal texts, numbers and formulas. What they cannot settle is unresolved, which is reported
apart from wrong: "crimson" for "red" is for a person or a judge to decide.

| reader | compares like |
|---|---|
| vzero | a careful person: texts, numbers with units, formulas |
| zoombench | ZoomBench's script, before it asks a model |
| vlmevalkit-exact | VLMEvalKit without a judge: the next three, by benchmark |
| mmmu-two-way | its MMMU: a choice between the answer and "Other Answers" |
| mathvista | its MathVista: by answer type, before the judge |
| mathvision | its MathVision: `is_equal` |
| lmms-eval | lmms-eval without a judge: MMMU as below, RealWorldQA by equal words |
| lmms-eval-mmmu | its MMMU: the benchmark's parser of open answers |
| lmms-eval-reasoning | its `*_reasoning` tasks |
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from vzero.answers.answer_part import answer_part
from vzero.answers.formulas import same_formula, without_latex_marks
from vzero.answers.matching import UNRESOLVED, Expected, Match
from vzero.answers.quantities import quantity, same_quantity
from vzero.answers.readers import lmms_reasoning, mmmu_open, open_by_benchmark
from vzero.answers.readers.mathvision import mathvision
from vzero.answers.readers.mathvista import by_answer_type
from vzero.answers.readers.zoombench import answer_span

LEAD = re.compile(
    r"^(?:.*\b)?(?:answer(?: is\b|:)|(?:it|that|this|the text|the sign) (?:is|says|reads)\b)\s*:?\s*",
    re.IGNORECASE,
)
WRAPPING = " \t\r\n.,:;!?\"'“”‘’`*()"
ARTICLES = re.compile(r"\b(?:a|an|the)\s+")
YES_NO = re.compile(r"(yes|no)\b")


def match(
    prediction: object,
    answer: object,
    reader: str = "vzero",
    *,
    benchmark: str | None = None,
    answer_type: str = "",
) -> Match:
    """Whether `prediction` gives `answer`. Raises ValueError for an unknown reader.

    `benchmark` matters to the toolkits' readers, `answer_type` to those that compare as for MathVista.
    """
    if reader not in READERS:
        raise ValueError(f"unknown reader {reader!r}: allowed: {', '.join(READERS)}")
    return READERS[reader](str(prediction), Expected(str(answer), answer_type, benchmark))


def _careful(prediction: str, expected: Expected) -> Match:
    """The answer part of the reply equals the answer, or both are numbers, or yes and no, and differ."""
    part, _ = answer_part(prediction)
    said = part.splitlines()[-1] if part else ""
    for text in (said, LEAD.sub("", said)):
        found = same(text, expected.answer)
        if found.hit is not None:
            return found
    truth, reply = normalised(expected.answer), YES_NO.match(normalised(said))
    if truth in ("yes", "no") and reply:
        return Match(truth == reply[1], "yes-or-no")
    one, other = quantity(LEAD.sub("", said)), quantity(expected.answer)
    return Match(False, "number") if one and other else UNRESOLVED


def _zoombench(prediction: str, expected: Expected) -> Match:
    """ZoomBench's span against the answer; the script leaves all but equality to its judge."""
    return same(answer_span(prediction), expected.answer)


READERS: dict[str, Callable[[str, Expected], Match]] = {
    "vzero": _careful,
    "zoombench": _zoombench,
    "vlmevalkit-exact": open_by_benchmark.vlmevalkit,
    "lmms-eval": open_by_benchmark.lmms_eval,
    "lmms-eval-mmmu": mmmu_open.official,
    "lmms-eval-reasoning": lmms_reasoning.match,
    "mmmu-two-way": mmmu_open.two_way,
    "mathvision": mathvision,
    "mathvista": by_answer_type,
}


def same(said: str, answer: str) -> Match:
    """Equality of two texts as texts, quantities or formulas; anything else is unresolved, never wrong."""
    if normalised(said) == normalised(answer) != "":
        return Match(True, "text")
    one, other = (quantity(without_latex_marks(text)) for text in (said, answer))
    if one and other:
        return Match(True, "number") if same_quantity(one, other) else UNRESOLVED
    return Match(True, "formula") if same_formula(said, answer) else UNRESOLVED


def normalised(text: str) -> str:
    """Lower case, plain signs, single blanks, no articles and no punctuation around."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(ARTICLES.sub("", plain).split()).strip(WRAPPING)
