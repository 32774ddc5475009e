"""Parameters of curation: which checked samples `ingest` leaves out, for training and for dev alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from vzero.config.base import Fraction, Positive, Section


def licence_words(text: str) -> str:
    """A licence's letters and digits in small letters, a space between words: `CC-BY 4.0` is `cc by 4 0`."""
    return " ".join(re.findall(r"\w+", text.lower().replace("_", " ")))


def _some_words(text: str) -> str:
    if not licence_words(text):
        raise ValueError("a licence needs at least one letter or digit")
    return text


Licence = Annotated[str, AfterValidator(_some_words)]


class PromptTokens(Section):
    """How long the student's prompts may be: image as the processor resizes it, question and options.

    The teacher's prompts have the crop too; `train.max_teacher_tokens` bounds them.
    """

    processor: Path
    """Model folder whose tokenizer and image processor count. DVC does not look into it."""
    max_pixels: Positive | None = None
    """Upper bound on an image's pixels after resizing, as in `models`; `None`: the processor's own."""
    max_tokens: Positive = 25_000


class Filters(Section):
    """Applied in the order of the fields, after the checks. A filter that is not set leaves nothing out."""

    min_question_length: Positive | None = None
    """Characters."""
    max_question_length: Positive | None = None
    min_boxes: Positive | None = None
    """Annotated boxes of a sample; 1 leaves out those without (`ingest.missing_box`)."""
    max_boxes: Positive | None = None
    min_evidence_area: Fraction | None = None
    """Share of the image that the evidence box, the union of the boxes, covers. Samples without a box have
    none, and are kept."""
    max_evidence_area: Fraction | None = None
    allowed_licences: list[Licence] | None = Field(default=None, min_length=1)
    """The only licences to keep, in full. Case and punctuation do not count: `cc-by-4.0` is `CC BY 4.0`."""
    refused_licences: list[Licence] = Field(default_factory=list)
    """Licences to leave out, by words in a row: `CC BY-NC` refuses `cc-by-nc-sa-4.0` too."""
    prompt_tokens: PromptTokens | None = None
    refuse_suspect_images: bool = False
    """Leave out all samples about an image of which another row was rejected as `box_outside` or
    `size_mismatch`: the picture may be a wrong one, or have another scale than the boxes."""
    refuse_benchmark_images: bool = False
    """Leave out images that a benchmark shows too: the same bytes, or within `ingest.overlap_distance`."""
    near_duplicate_distance: int | None = Field(default=None, ge=0, le=16)
    """Of images whose perceptual hashes differ in at most so many of 64 bits, only the one with the smallest
    id is kept. Pictures that are mostly flat are all kept: their hashes tell nothing."""
    most_samples: Positive | None = None
    """How many samples to keep, of both splits: those whose ids have the smallest hash, so that more rows,
    or rows in another order, change few of them."""

    @model_validator(mode="after")
    def _bounds_leave_something(self) -> Filters:
        for name in ("question_length", "boxes", "evidence_area"):
            low, high = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if low is not None and high is not None and low > high:
                raise ValueError(f"min_{name} ({low:g}) must not be above max_{name} ({high:g})")
        return self
