"""What names a model: a hash of all files of its folder that have a part in its answers."""

from __future__ import annotations

from pathlib import Path

from vzero.shards import content_hash

CARD = "README.md"
"""The model card, as the Hugging Face hub calls it."""


def folder_hash(folder: Path) -> str:
    """The same for the same weights, tokenizer and settings, whatever the card says."""
    return content_hash(folder, without=[CARD])
