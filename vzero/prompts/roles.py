"""What one model is told in its roles of self-play: to write a question about a picture, or to answer fast.

Its slow answers are to the words of `full_view`, as everybody's.
"""

from __future__ import annotations

from collections.abc import Sequence

from vzero.prompts.parts import Image, Question, Worded, images_first, option_lines
from vzero.prompts.views import FULL, Picture, View

ASK = (
    "Describe the image. Then write a question about it with four different options, one of them right, "
    "and the letter of the right one. Write only: <description>what you see</description>"
    "<question>the question, then A) B) C) D), a line each</question><answer>the letter</answer>"
)
FAST = "Answer with the option letter."
TAGS = ("<description>", "</description>", "<question>", "</question>", "<answer>", "</answer>")
"""What a written question consists of, in order."""


def questioner_view(picture: Picture, *, row: str = "") -> View:
    """A picture to write a question about."""
    return View(FULL, Worded((Image(0), ASK)), (picture,), row)


def fast_view(text: str, options: Sequence[str], pictures: Sequence[Picture], *, row: str = "") -> View:
    """As `full_view`, but to be answered by a letter without a word before it."""
    question = Question(benchmark="", text=text, options=tuple(options), images=len(pictures))
    words = "\n".join([text, *option_lines(question.offered), FAST])
    return View(FULL, Worded(images_first(question, words)), tuple(pictures), row)
