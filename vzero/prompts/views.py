"""A view: what a model is shown and told with a question. Its role, its pictures, its words.

Everything that shows a model something makes a view of it: training, teachers, evaluation. Two views of one
question begin with the same full image, and what differs stands after it, so that a model reads it once for
both. The right and the wrong crop are announced in the same words, which never claim that the crop is the
right one: such views differ in nothing but the crop's pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vzero.imaging import probe
from vzero.prompts.parts import Image, Question, Worded, images_first, option_lines

FULL, POSITIVE, NEGATIVE = "full", "positive", "negative"
"""Roles: the question's own images; beside them the crop that holds the evidence, or another one."""

CROP_NOTICE = "The second image is an enlarged part of the first."
CHOOSE = "Reason briefly, then answer with the option letter."
EXPLAIN = "Reason briefly, then answer."


@dataclass(frozen=True)
class Picture:
    """An image at a size in pixels. What only goes by sizes (bounds, refusals) needs no `data`."""

    name: str
    """What messages call it; in evaluation the sha256 of its bytes."""
    width: int
    height: int
    data: bytes | None = field(default=None, repr=False)
    """Encoded."""

    @classmethod
    def of(cls, data: bytes, name: str = "image") -> Picture:
        """An encoded image, its size taken from its header."""
        width, height, _ = probe(data)
        return cls(name, width, height, data)


@dataclass(frozen=True)
class View:
    role: str
    words: Worded
    pictures: tuple[Picture, ...]
    """By their numbers in the words."""
    row: str = field(default="", compare=False)
    """Id of what is asked, for messages."""

    @property
    def shown(self) -> tuple[Picture, ...]:
        """The pictures in the order of their places."""
        return tuple(self.pictures[part.number] for part in self.words.parts if isinstance(part, Image))


def own_words(question: Question) -> Worded:
    """All images, the question, its options one a line, and how to answer: the words that training uses."""
    how = CHOOSE if question.options else EXPLAIN
    lines = [question.text, *option_lines(question.offered), how]
    return Worded(images_first(question, "\n".join(lines)))


def full_view(text: str, options: Sequence[str], pictures: Sequence[Picture], *, row: str = "") -> View:
    """The question about its own images, in our words: all that a student ever sees."""
    question = Question(benchmark="", text=text, options=tuple(options), images=len(pictures))
    return View(FULL, own_words(question), tuple(pictures), row)


def with_crop(view: View, crop: Picture, role: str) -> View:
    """The same view with a crop right after the first image, announced in the first text behind that."""
    words = with_crop_announced(view.words, len(view.pictures))
    return replace(view, role=role, words=words, pictures=(*view.pictures, crop))


def with_crop_announced(words: Worded, number: int) -> Worded:
    """Words in which image `number` is a crop, right after the first image."""
    parts = list(words.parts)
    first = parts.index(Image(0))
    text = next(place for place, part in enumerate(parts) if place > first and isinstance(part, str))
    parts[text] = f"{CROP_NOTICE}\n{parts[text]}"
    parts.insert(first + 1, Image(number))
    return replace(words, parts=tuple(parts))
