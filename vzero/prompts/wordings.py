"""Prompt policies by name. A number is only comparable with one made under the same policy."""

from __future__ import annotations

from collections.abc import Callable

from vzero.config import ConfigError
from vzero.prompts.lmms_eval import lmms_eval
from vzero.prompts.messages import question_text
from vzero.prompts.parts import Question, Wording, images_first
from vzero.prompts.qwen import qwen
from vzero.prompts.vlmevalkit import vlmevalkit
from vzero.prompts.zoombench import zoombench


def _vzero(question: Question) -> Wording:
    """The words that training uses too."""
    return Wording(images_first(question, question_text(question.text, question.options)))


PROMPTS: dict[str, Callable[[Question], Wording]] = {
    "vzero": _vzero,
    "vlmevalkit": vlmevalkit,
    "qwen": qwen,
    "lmms-eval": lmms_eval,
    "zoombench": zoombench,
}


def wording(question: Question, policy: str) -> Wording:
    """A question in a policy's words; `ConfigError` for an unknown policy or one without words for it."""
    if policy not in PROMPTS:
        raise ConfigError(f"unknown prompt policy {policy!r}: allowed: {', '.join(PROMPTS)}")
    return PROMPTS[policy](question)
