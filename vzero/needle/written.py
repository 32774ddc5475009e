"""The player's replies as texts, put together for lessons; the letters of its answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from vzero.needle.player_questions import listed
from vzero.needle.questions import OPTION_LETTERS, Question
from vzero.needle.scenes import Scene
from vzero.prompts.parts import option_lines

ANSWERED = re.compile(r"(?:.*Answer: )?([A-D])", re.DOTALL)


def written(scene: Scene, question: Question, guess: str) -> str:
    """A question with what its author sees, and with the letter of a guess at the answer.

    Options rise, as in many an exam: an author who only has to go on from the last one repeats none.
    """
    question = replace(question, options=rising(question.options))
    offered = list(zip(OPTION_LETTERS, question.options, strict=True))
    asked = "\n".join([question.text, *option_lines(offered, "{}) ")])
    return (
        f"<description>{listed(scene)}</description><question>{asked}</question>"
        f"<answer>{question.letter_of(guess)}</answer>"
    )


def rising(options: Sequence[str]) -> tuple[str, ...]:
    """Numbers by size, others by the alphabet."""
    return tuple(sorted(options, key=int if options[0].isdigit() else str))


def slowly(scene: Scene, question: Question, option: str) -> str:
    """A slow answer: what is seen, then an option with its letter."""
    return f"{seen(scene)}It is {option}. Answer: {question.letter_of(option)}"


def seen(scene: Scene) -> str:
    """How a slow answer about a scene begins."""
    return f"I see {listed(scene)}. "


def read_answer(reply: str) -> str | None:
    """The letter of a slow or a fast answer."""
    found = ANSWERED.fullmatch(reply)
    return found[1] if found else None
