"""Wordings by name. A number is only comparable with one made under the same wording."""

from __future__ import annotations

from collections.abc import Callable

from vzero.errors import ConfigError
from vzero.prompts.lmms_eval import lmms_eval
from vzero.prompts.messages import question_text
from vzero.prompts.parts import Question, Worded, images_first
from vzero.prompts.qwen import qwen
from vzero.prompts.vlmevalkit import vlmevalkit
from vzero.prompts.zoombench import zoombench


def _vzero(question: Question) -> Worded:
    """The words that training uses too."""
    return Worded(images_first(question, question_text(question.text, question.options)))


WORDINGS: dict[str, Callable[[Question], Worded]] = {
    "vzero": _vzero,
    "vlmevalkit": vlmevalkit,
    "qwen": qwen,
    "lmms-eval": lmms_eval,
    "zoombench": zoombench,
}


def worded(question: Question, wording: str) -> Worded:
    """A question in the words of `wording`.

    Raises ConfigError for an unknown wording, and for one without words for the benchmark.
    """
    if wording not in WORDINGS:
        raise ConfigError(f"unknown wording {wording!r}: allowed: {', '.join(WORDINGS)}")
    return WORDINGS[wording](question)
