"""Questions as they are put to a model: in which words, with which pictures, under which seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from vzero.evaluate.views import FULL_AND_CROP
from vzero.prompts.parts import question_of
from vzero.prompts.views import Picture, View, with_crop
from vzero.prompts.wordings import worded


@dataclass(frozen=True)
class Asked:
    """One question, put once."""

    benchmark: str
    item: str
    seed: int
    view: View
    """Its role is the column `view` of tables.Predictions. Pictures are named by the sha256 of their bytes,
    which `Part.open_images` has."""

    @cached_property
    def prompt_hash(self) -> str:
        return self.view.words.prompt_hash

    @cached_property
    def image_hash(self) -> str:
        """sha256 of the pictures' own, one a line."""
        return hashlib.sha256("\n".join(picture.name for picture in self.view.pictures).encode()).hexdigest()

    def opened(self, images: Mapping[str, bytes]) -> View:
        """The view with its pictures' bytes, of `Part.open_images`."""
        pictures = tuple(replace(picture, data=images[picture.name]) for picture in self.view.pictures)
        return replace(self.view, pictures=pictures)


@dataclass(frozen=True)
class Part:
    """Questions whose pictures are held in memory together."""

    asked: tuple[Asked, ...]
    open_images: Callable[[], Mapping[str, bytes]]
    """Encoded pictures by sha256; only called when something is left to ask."""


def asked_of(row: Mapping[str, Any], wording: str, seeds: Sequence[int]) -> list[Asked]:
    """A row of `views.questions` in a named wording, once for every seed."""
    own, crops = [], []
    for shown in row["shown"]:
        cropped = row["view"] == FULL_AND_CROP and shown["role"] == "crop"
        (crops if cropped else own).append(Picture(shown["sha256"], shown["width"], shown["height"]))
    words = worded(question_of(row, images=len(own)), wording)
    view = View(row["view"], words, tuple(own), row=f"{row['benchmark']} {row['item']}")
    for crop in crops:
        view = with_crop(view, crop, row["view"])
    return [Asked(row["benchmark"], row["item"], seed, view) for seed in seeds]
