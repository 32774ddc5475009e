"""Prompts to tensors: pixels, token ids with one token per visual patch group, rotary positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from vzero.imaging import decode
from vzero.models.loading import LoadedModel
from vzero.models.prompts import Prompt


@dataclass(frozen=True)
class EncodedPrompts:
    """A left-padded batch of prompts on the model's device."""

    token_ids: torch.Tensor  # (prompts, length), int64
    mask: torch.Tensor  # (prompts, length), 1 on real tokens
    positions: torch.Tensor  # (3, prompts, length), multimodal rotary positions
    next_position: torch.Tensor  # (prompts,), rotary position of the first answer token
    pixels: torch.Tensor  # (patches, patch values)
    grids: torch.Tensor  # (images, 3), patches in time, height, width

    @property
    def lengths(self) -> torch.Tensor:
        return self.mask.sum(dim=1)


def image_features(model: LoadedModel, images: Sequence[bytes]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels and grids of encoded images. The same bytes are decoded and resized once."""
    distinct = list(dict.fromkeys(images))
    outputs = [
        model.image_processor(images=[decode(data)], input_data_format="channels_last", return_tensors="np")
        for data in distinct
    ]
    by_image = dict(zip(distinct, outputs, strict=True))
    pixels = np.concatenate([by_image[data]["pixel_values"] for data in images])
    grids = np.concatenate([by_image[data]["image_grid_thw"] for data in images])
    return torch.from_numpy(pixels).to(model.device), torch.from_numpy(grids).to(model.device)


def encode(model: LoadedModel, prompts: Sequence[Prompt]) -> EncodedPrompts:
    """Encode prompts as one left-padded batch."""
    pixels, grids = image_features(model, [image for prompt in prompts for image in prompt.images])
    tokens_per_image = iter((grids.prod(dim=1) // model.image_processor.merge_size**2).tolist())
    rows = [_token_ids(model, prompt, tokens_per_image) for prompt in prompts]
    length = max(len(row) for row in rows)
    token_ids = torch.full((len(rows), length), model.pad_token, dtype=torch.int64)
    mask = torch.zeros_like(token_ids)
    for index, row in enumerate(rows):
        token_ids[index, length - len(row) :] = torch.tensor(row)
        mask[index, length - len(row) :] = 1
    token_ids, mask = token_ids.to(model.device), mask.to(model.device)
    positions, _ = model.network.model.get_rope_index(
        token_ids,
        mm_token_type_ids=(token_ids == model.image_token).int(),
        image_grid_thw=grids,
        attention_mask=mask,
    )
    last = positions.masked_fill(mask == 0, -1).amax(dim=(0, 2))
    return EncodedPrompts(token_ids, mask, positions, last + 1, pixels, grids)


def _token_ids(model: LoadedModel, prompt: Prompt, tokens_per_image: Iterator[int]) -> list[int]:
    ids: list[int] = []
    for token in model.tokenizer(prompt.text, add_special_tokens=False)["input_ids"]:
        ids += [token] * (next(tokens_per_image) if token == model.image_token else 1)
    return ids
