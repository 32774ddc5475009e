"""What a benchmark says of itself: the files it is published as, how to ask it and how to score it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Aggregate = Literal["micro", "cyclic", "source_mean", "l2_macro"]
Options = Literal["letters", "column", "text", "none"]


@dataclass(frozen=True)
class Form:
    """One published shape of a benchmark. Every column named here must be there, but for `optional`.

    `column.field` is a field of a column of structs.
    """

    files: str
    """Glob inside a folder; its suffix (tsv, parquet, jsonl, json) says how a file is read."""
    item: str
    """Column of the item's id."""
    question: str = "question"
    answer: str = "answer"
    images: tuple[str, ...] = ("image",)
    """Columns of encoded images, in order. The first must hold one or a list; the others may be empty."""
    options: Options = "letters"
    """Where the options stand: in columns A, B, ...; in one column, as a list; in the question; nowhere."""
    options_column: str = "choices"
    prompt: str | None = None
    """Column of the whole question as published, options and instruction included."""
    hint: str | None = None
    crop_image: str | None = None
    boxes: str | None = None
    """Column of one box or a list of boxes, in pixels of the image."""
    box_order: Literal["xyxy", "xywh"] = "xyxy"
    category: str | None = None
    l2_category: str | None = None
    source: str | None = None
    cycle: str | None = None
    answer_type: str | None = None
    keep: tuple[str, str] | None = None
    """Column and value of the rows that belong to the benchmark; the others are another one's."""
    optional: tuple[str, ...] = ()
    """Columns that some copies lack."""
    right_first: bool = False
    """The right option stands first in every row, so the options are put in an order drawn from the id."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that a file of this form must have."""
        letters = ("A", "B") if self.options == "letters" else ()
        listed = (self.options_column,) if self.options == "column" else ()
        answer = () if self.right_first else (self.answer,)
        single = (
            self.prompt,
            self.hint,
            self.crop_image,
            self.boxes,
            self.category,
            self.l2_category,
            self.source,
            self.cycle,
            self.answer_type,
            self.keep[0] if self.keep else None,
        )
        named = (self.item, self.question, *answer, *letters, *listed, *self.images[:1], *single)
        wanted = dict.fromkeys(name.partition(".")[0] for name in named if name is not None)
        return tuple(name for name in wanted if name not in self.optional)


@dataclass(frozen=True)
class Published:
    """Where a hub holds a benchmark's files."""

    repository: str
    """Dataset repository on the Hugging Face hub."""
    files: tuple[str, ...]
    """Names or globs inside the repository."""
    md5: str | None = None
    """Of the one file, where it is known."""


@dataclass(frozen=True)
class Benchmark:
    """Everything that is particular to one benchmark. `forms` is empty for the drawn, embedded ones."""

    name: str
    forms: tuple[Form, ...]
    wording: str
    """Wording that it is asked with unless another is named (`vzero.prompts`)."""
    reader: str
    """Reader that reads answers to questions with options (`vzero.answers.extract`)."""
    open_reader: str | None = None
    """Reader for questions without options (`vzero.answers.open_answers`); `None` where there are none."""
    categories: tuple[str, ...] = ()
    """Known values of the category; empty when they are many or not fixed."""
    aggregates: tuple[Aggregate, ...] = ("micro",)
    """How hits become the benchmark's numbers, the headline first."""
    marks_images: bool = False
    """Texts say where each image stands (`<image 1>`); an item that marks an image it lacks is a reject."""
    crop_view: bool = False
    """Also asked about the crop alone: the gap between the two views is what looking closer would give."""
    published_size: int | None = None
    """Items of the published benchmark; `None` when it is drawn, or when sources disagree."""
    published: Published | None = None
    source: str = ""
    """Where it comes from."""
    licence: str = "unknown"
