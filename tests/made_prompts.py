"""Prompts of encoded images, as the student and the teacher get them."""

from __future__ import annotations

from collections.abc import Sequence

from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt, prompt_of
from vzero.prompts.views import POSITIVE, Picture, View, full_view, with_crop


def student_view(image: bytes, question: str, options: Sequence[str]) -> View:
    return full_view(question, options, [Picture.of(image)])


def teacher_view(image: bytes, crop: bytes, question: str, options: Sequence[str]) -> View:
    return with_crop(student_view(image, question, options), Picture.of(crop, "crop"), POSITIVE)


def student_prompt(model: LoadedModel, image: bytes, question: str, options: Sequence[str]) -> Prompt:
    return prompt_of(model, student_view(image, question, options))


def teacher_prompt(
    model: LoadedModel, image: bytes, crop: bytes, question: str, options: Sequence[str]
) -> Prompt:
    return prompt_of(model, teacher_view(image, crop, question, options))
