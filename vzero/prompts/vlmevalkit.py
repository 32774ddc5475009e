"""VLMEvalKit's own prompts (`build_prompt` of its datasets), blanks at line ends included.

TreeBench is asked as any other choice: the request for boxes that the toolkit adds is left out, because
nothing here reads boxes in replies.
"""

from __future__ import annotations

from collections.abc import Callable

from vzero.prompts.parts import Question, Worded, images_at_marks, images_first, option_lines

CHOOSE = "Please select the correct answer from the options above. \n"
MME_CHOOSE = (
    "Select the best answer to the above multiple-choice question based on the image. "
    "Respond with only the letter (A, B, C, D, or E) of the correct option. \nThe best answer is:"
)
MME_CHOOSE_CN = (
    "根据图像选择上述多项选择题的最佳答案。只需回答正确选项的字母（A, B, C, D 或 E）。\n最佳答案为："
)
MME_HEADING, MME_HEADING_CN = "The choices are listed below:", "选项如下所示:"


def vlmevalkit(question: Question) -> Worded:
    return OWN.get(question.benchmark, _choices)(question)


def choice_text(question: Question, choose: str) -> str:
    """Hint, question and options under headings, and then how to choose."""
    lines = [f"Hint: {question.hint}"] if question.hint is not None else []
    lines.append(f"Question: {question.text}")
    if question.offered:
        lines += ["Options:", *option_lines(question.offered)]
    return "".join(f"{line}\n" for line in lines) + (choose if question.offered else "")


def _choices(question: Question) -> Worded:
    return Worded(images_first(question, choice_text(question, CHOOSE)))


def _interleaved(question: Question) -> Worded:
    return Worded(images_at_marks(question, choice_text(question, CHOOSE)))


def _as_published(question: Question) -> Worded:
    return Worded(images_first(question, question.published))


def mme_realworld(question: Question) -> Worded:
    return _mme(question, MME_HEADING, MME_CHOOSE)


def mme_realworld_cn(question: Question) -> Worded:
    return _mme(question, MME_HEADING_CN, MME_CHOOSE_CN)


def _mme(question: Question, heading: str, choose: str) -> Worded:
    lines = [f"{question.text} {heading}", *option_lines(question.offered, "({}) "), choose]
    return Worded(images_first(question, "\n".join(lines)))


OWN: dict[str, Callable[[Question], Worded]] = {
    "mmmu": _interleaved,
    "mme_realworld": mme_realworld,
    "mme_realworld_lite": mme_realworld,
    "mme_realworld_cn": mme_realworld_cn,
    "cv_bench_2d": _as_published,
    "cv_bench_3d": _as_published,
    "mathvista": _as_published,
    "mathverse": _as_published,
    "mathvision": _as_published,
    "logicvista": _as_published,
}
