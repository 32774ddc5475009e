"""What the roles of self-play are told: one prompt a role, for training, writing and voting alike.

A Solver that reasons is shown what every student is shown (`vzero.prompts.views.full_view`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vzero.prompts.parts import Image, Question, Worded, images_first, option_lines
from vzero.prompts.views import FULL, Picture, View, full_view

BLIND, REGION = "blind", "region"
"""Roles of views: without the image; of a window of it."""

ASK = (
    "Describe the image. Then write a question about it with four different options, one of them right, and "
    "the letter of the right one. Write only: <description>what you see</description><question>the question, "
    "then A) B) C) D), a line each</question><answer>the letter</answer>"
)
FAST = "Answer with the option letter."
TAGS = ("<description>", "</description>", "<question>", "</question>", "<answer>", "</answer>")
"""What a written question consists of, in order."""
BOXED = "Reason first inside <think> </think>, then give one option letter in \\boxed{}."


def questioner_view(picture: Picture, *, row: str = "") -> View:
    """An image about which a question is to be written."""
    return View(FULL, Worded((Image(0), ASK)), (picture,), row)


def fast_view(text: str, options: Sequence[str], pictures: Sequence[Picture], *, row: str = "") -> View:
    """A question to be answered at once, without reasoning."""
    return _told(text, options, pictures, FAST, row)


def boxed_view(text: str, options: Sequence[str], pictures: Sequence[Picture], *, row: str = "") -> View:
    """A question to be answered in a box, as the released self-play code asks."""
    return _told(text, options, pictures, BOXED, row)


def blind_view(text: str, options: Sequence[str], *, row: str = "") -> View:
    """The question without its image."""
    return replace(full_view(text, options, (), row=row), role=BLIND)


def _told(text: str, options: Sequence[str], pictures: Sequence[Picture], how: str, row: str) -> View:
    question = Question(benchmark="", text=text, options=tuple(options), images=len(pictures))
    lines = [text, *option_lines(question.offered), how]
    return View(FULL, Worded(images_first(question, "\n".join(lines))), tuple(pictures), row)
