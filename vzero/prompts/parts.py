"""A question to be put into words, and the texts and images that a wording makes of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from vzero.errors import SourceError

IMAGE_MARK = re.compile(r"<image (\d{1,9})>")


@dataclass(frozen=True)
class Image:
    number: int
    """Which of the question's images, from 0."""


Part = Image | str


@dataclass(frozen=True)
class Question:
    """What wordings read of a row of `tables.BenchmarkItems`."""

    benchmark: str
    text: str
    options: tuple[str | None, ...] = ()
    """By letter; None where a letter is not offered."""
    images: int = 1
    prompt: str | None = None
    """The whole question as published."""
    hint: str | None = None

    @property
    def offered(self) -> list[tuple[str, str]]:
        """Letters with their options."""
        pairs = zip(ascii_uppercase, self.options, strict=False)
        return [(letter, option) for letter, option in pairs if option is not None]

    @property
    def published(self) -> str:
        """The whole question as published, or its text alone where nothing else is."""
        return self.text if self.prompt is None else self.prompt


@dataclass(frozen=True)
class Worded:
    """A question in words: the user's texts and images in order, and what is said before it, if anything."""

    parts: tuple[Part, ...]
    system: str | None = None

    @property
    def text(self) -> str:
        """All texts in order, with a mark where each image stands."""
        shown = [part if isinstance(part, str) else f"<image {part.number + 1}>" for part in self.parts]
        return "".join([f"{self.system}\n", *shown] if self.system is not None else shown)

    @property
    def prompt_hash(self) -> str:
        """sha256 of the text, which names the prompt that a number was made with."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def question_of(item: Mapping[str, Any], *, images: int) -> Question:
    """The question in a row of `tables.BenchmarkItems`, shown with so many images."""
    return Question(
        benchmark=item["benchmark"],
        text=item["question"],
        options=tuple(item["options"]),
        images=images,
        prompt=item["prompt"],
        hint=item["hint"],
    )


def images_first(question: Question, text: str) -> tuple[Part, ...]:
    """All images in order, then the text."""
    return (*map(Image, range(question.images)), text)


def images_at_marks(question: Question, text: str) -> tuple[Part, ...]:
    """Images where their marks `<image 1>`, `<image 2>`, ... stand; all of them first without any mark.

    Raises SourceError for a mark without an image.
    """
    pieces = IMAGE_MARK.split(text)
    if len(pieces) == 1:
        return images_first(question, text)
    parts: list[Part] = []
    for position, piece in enumerate(pieces):
        if position % 2 == 0:
            parts += [piece] if piece else []
        elif 1 <= int(piece) <= question.images:
            parts.append(Image(int(piece) - 1))
        else:
            raise SourceError(f"{question.benchmark}: <image {piece}> in a question with {question.images}")
    return tuple(parts)


def option_lines(offered: Sequence[tuple[str, str]], mark: str = "{}. ") -> list[str]:
    """`A. text` for every option, or with another mark around the letter."""
    return [f"{mark.format(letter)}{option}" for letter, option in offered]
