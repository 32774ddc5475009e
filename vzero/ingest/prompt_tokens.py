"""Tokens of the student's prompt about a checked sample, for the filter of that name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from vzero.config import Models, PromptTokens
from vzero.untrusted.rejects import RejectCode, Rejected

if TYPE_CHECKING:
    from vzero.models.loading import Processors


def count_prompt_tokens(
    question: str, options: Sequence[str], extents: Sequence[tuple[int, int]], settings: PromptTokens
) -> int:
    """Tokens of the chat template's text with images of these widths and heights in it.

    Raises Rejected when the processor takes no image of one of these sizes.
    """
    # Only where this filter is on do the workers pay for importing torch.
    from vzero.models.pixels import refusal
    from vzero.models.prompt import prompt_length
    from vzero.prompts.views import Picture, full_view

    processors = _processors(settings.processor, settings.max_pixels)
    for extent in extents:
        if reason := refusal(processors, *extent):
            raise Rejected(RejectCode.PICTURE_REFUSED, reason)
    pictures = [Picture("image", *extent) for extent in extents]
    return prompt_length(processors, full_view(question, options, pictures))


@cache
def _processors(folder: Path, max_pixels: int | None) -> Processors:
    from vzero.models.loading import load_processors

    return load_processors(folder, Models(max_pixels=max_pixels), section="ingest.filters.prompt_tokens")
