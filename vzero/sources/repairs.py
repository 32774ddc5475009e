"""What the checks put right instead of leaving a row out; `ingest` counts the samples of each kind."""

from __future__ import annotations

from enum import StrEnum


class Repair(StrEnum):
    IMAGE_NAME = "image_name"
    """No picture of the annotated name; the only one that has it but for the extension, or has that of the
    annotation file, is taken."""
    IMAGE_SIZE = "image_size"
    """The annotated width or height is 0 or missing; the picture's own is taken."""
