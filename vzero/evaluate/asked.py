"""Questions as they are put to a model: in which words, with which pictures, under which seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from vzero.evaluate.views import FULL_AND_CROP
from vzero.prompts.messages import CROP_NOTICE
from vzero.prompts.parts import Image, Worded, question_of
from vzero.prompts.wordings import worded


@dataclass(frozen=True)
class Picture:
    sha256: str
    """Of the encoded bytes: their name in `Part.open_images`."""
    width: int
    height: int


@dataclass(frozen=True)
class Asked:
    """One question, put once."""

    benchmark: str
    item: str
    view: str
    seed: int
    worded: Worded
    pictures: tuple[Picture, ...]
    """By their numbers in the wording."""

    @cached_property
    def prompt_hash(self) -> str:
        return self.worded.prompt_hash

    @cached_property
    def image_hash(self) -> str:
        """sha256 of the pictures' own, one a line."""
        return hashlib.sha256("\n".join(picture.sha256 for picture in self.pictures).encode()).hexdigest()


@dataclass(frozen=True)
class Part:
    """Questions whose pictures are held in memory together."""

    asked: tuple[Asked, ...]
    open_images: Callable[[], Mapping[str, bytes]]
    """Encoded pictures by sha256; only called when something is left to ask."""


def asked_of(row: Mapping[str, Any], wording: str, seeds: Sequence[int]) -> list[Asked]:
    """A row of `views.questions` in a named wording, once for every seed."""
    pictures = tuple(Picture(shown["sha256"], shown["width"], shown["height"]) for shown in row["shown"])
    cropped = row["view"] == FULL_AND_CROP and any(shown["role"] == "crop" for shown in row["shown"])
    images = len(pictures) - (1 if cropped else 0)
    words = worded(question_of(row, images=images), wording)
    if cropped:
        words, pictures = _with_crop(words, images), (pictures[0], *pictures[2:], pictures[1])
    return [Asked(row["benchmark"], row["item"], row["view"], seed, words, pictures) for seed in seeds]


def _with_crop(words: Worded, number: int) -> Worded:
    """The crop, as image `number`, right after the first image, and announced in the first text after it."""
    first = words.parts.index(Image(0))
    text = next(place for place, part in enumerate(words.parts) if place > first and isinstance(part, str))
    parts = list(words.parts)
    parts[text] = f"{CROP_NOTICE}\n{parts[text]}"
    parts.insert(first + 1, Image(number))
    return replace(words, parts=tuple(parts))
