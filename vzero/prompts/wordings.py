"""Wordings by name. A number is only comparable with one made under the same wording."""

from __future__ import annotations

from collections.abc import Callable

from vzero.errors import ConfigError
from vzero.prompts.lmms_eval import lmms_eval
from vzero.prompts.parts import Question, Worded
from vzero.prompts.qwen import qwen
from vzero.prompts.views import own_words
from vzero.prompts.vlmevalkit import vlmevalkit
from vzero.prompts.zoombench import zoombench

WORDINGS: dict[str, Callable[[Question], Worded]] = {
    "vzero": own_words,
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
