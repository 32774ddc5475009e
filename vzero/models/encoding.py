"""Prompts to tensors: a padded batch with its pixels and rotary positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from vzero.models.loading import LoadedModel
from vzero.models.pixels import batched
from vzero.models.prompt import Piece

Padding = Literal["none", "left", "right"]


@dataclass(frozen=True)
class EncodedPrompts:
    """A padded batch of prompts, or of pieces of prompts, on the model's device."""

    token_ids: torch.Tensor  # (prompts, length), int64
    mask: torch.Tensor  # (prompts, length), 1 on real tokens
    positions: torch.Tensor  # (3, prompts, length), multimodal rotary positions, the first token's is 0
    next_position: torch.Tensor  # (prompts,), rotary position of what follows
    pixels: torch.Tensor | None  # (patches, patch values); None without images
    grids: torch.Tensor | None  # (images, 3), patches in time, height, width
    padding: Padding

    @property
    def lengths(self) -> torch.Tensor:
        """Real tokens of each prompt, (prompts,)."""
        return self.mask.sum(dim=1)


def encode(
    model: LoadedModel, pieces: Sequence[Piece], *, padding: Literal["left", "right"] = "left"
) -> EncodedPrompts:
    """Prompts, or pieces of them, as one batch. Pixels that nobody has made yet are made now."""
    made = [pixels() for piece in pieces for pixels in piece.pixels]
    pixels, grids = batched(model, made) if made else (None, None)
    rows = [piece.token_ids for piece in pieces]
    token_ids, mask = pad_rows(rows, pad=model.pad_token, device=model.device, padding=padding)
    positions, _ = model.network.model.get_rope_index(
        token_ids,
        mm_token_type_ids=(token_ids == model.image_token).int(),
        image_grid_thw=grids,
        attention_mask=mask,
    )
    last = positions.masked_fill(mask == 0, -1).amax(dim=(0, 2))
    ragged = len({len(row) for row in rows}) > 1
    return EncodedPrompts(token_ids, mask, positions, last + 1, pixels, grids, padding if ragged else "none")


def pad_rows(
    rows: Sequence[Sequence[int]],
    *,
    pad: int,
    device: torch.device,
    padding: Literal["left", "right"] = "right",
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ragged token ids as padded ids and mask, both (rows, longest), int64. No row may be empty."""
    longest = max(len(row) for row in rows)
    token_ids = torch.full((len(rows), longest), pad, dtype=torch.int64)
    mask = torch.zeros_like(token_ids)
    for index, row in enumerate(rows):
        place = slice(longest - len(row), None) if padding == "left" else slice(len(row))
        token_ids[index, place] = torch.tensor(row)
        mask[index, place] = 1
    return token_ids.to(device), mask.to(device)
