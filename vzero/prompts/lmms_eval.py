"""lmms-eval's prompts, one a benchmark, oddities included. Images stand first."""

from __future__ import annotations

import re
from collections.abc import Callable

from vzero.errors import ConfigError
from vzero.prompts.parts import Question, Worded, images_first, option_lines
from vzero.prompts.vlmevalkit import MME_HEADING, MME_HEADING_CN

DIRECTLY = "Answer with the option's letter from the given choices directly"
MME_CHOOSE = (
    "Select the best answer to the above multiple-choice question based on the image. "
    "Respond with only the letter (A, B, C, D, or E) of the correct option.\nThe best answer is: "
)
MME_CHOOSE_CN = (
    "根据图像选择上述多项选择题的最佳答案。只需回答正确选项的字母（A, B, C, D 或 E）。\n最佳答案为： "
)
# An option with a parenthesis of its own is not found, and those after it move up by a letter; the last one
# takes along what follows it.
VSTAR_OPTION = re.compile(r"\([A-D]\)\s*([^()]+?)\s*(?=\([A-D]\)|$)")


def lmms_eval(question: Question) -> Worded:
    """Raises ConfigError for benchmarks that the toolkit has no plain task for."""
    text = TEXTS.get(question.benchmark)
    if text is None:
        raise ConfigError(
            f"the wording lmms-eval has no words for {question.benchmark}; it has: {', '.join(TEXTS)}"
        )
    return Worded(images_first(question, text(question)))


def _vstar(question: Question) -> str:
    """The options are read out of the published text, where an instruction follows them: it comes twice."""
    stem, lines = question.text, option_lines(question.offered)
    if question.prompt is not None:
        found = VSTAR_OPTION.findall(question.prompt)
        stem = question.prompt.split("(A)")[0].strip() if found else question.prompt
        lines = [f"{letter}. {option}" for letter, option in zip("ABCD", found, strict=False)]
    return "\n".join([stem, *lines, f"{DIRECTLY}."])


def _hrbench(question: Question) -> str:
    return "\n".join([question.text, *option_lines(question.offered), "Answer the option letter directly."])


def _mmstar(question: Question) -> str:
    if question.prompt is None:
        options = ", ".join(option_lines(question.offered, "{}: "))
        return f"{question.text}\nOptions: {options}\n{DIRECTLY}"
    return f"{question.prompt}\n{DIRECTLY}"


def _as_published(question: Question) -> str:
    return question.published


def _only_letters(question: Question) -> str:
    letters = ", ".join(letter for letter, _ in question.offered)
    return f"Note: You only need to respond with {letters} without providing any additional information.\n"


def _cv_bench(question: Question) -> str:
    return f"{_only_letters(question)}\n{question.published}"


def _blink(question: Question) -> str:
    return f"{_only_letters(question)}{question.published}"


def _mme(question: Question) -> str:
    lines = [f"{question.text} {MME_HEADING}", *option_lines(question.offered, "({}) "), MME_CHOOSE]
    return "\n".join(lines)


def _mme_cn(question: Question) -> str:
    lines = [f"{question.text} {MME_HEADING_CN}", *option_lines(question.offered, "({}) "), MME_CHOOSE_CN]
    return "\n".join(lines)


def _mmmu(question: Question) -> str:
    if not question.offered:
        return f"{question.text}\n\nAnswer the question using a single word or phrase."
    return "\n".join([question.text, *option_lines(question.offered), "", f"{DIRECTLY}."])


TEXTS: dict[str, Callable[[Question], str]] = {
    "vstar": _vstar,
    "hrbench_4k": _hrbench,
    "hrbench_8k": _hrbench,
    "mmstar": _mmstar,
    "mme_realworld": _mme,
    "mme_realworld_lite": _mme,
    "mme_realworld_cn": _mme_cn,
    "cv_bench_2d": _cv_bench,
    "cv_bench_3d": _cv_bench,
    "realworldqa": _as_published,
    "blink": _blink,
    "mmmu": _mmmu,
    "mathvista": _as_published,
    "mathverse": _as_published,
    "mathvision": _as_published,
}
