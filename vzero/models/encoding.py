"""Prompts to tensors: pixels, token ids with one token per visual patch group, rotary positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from vzero.errors import ModelError
from vzero.imaging import decode
from vzero.models.loading import LoadedModel, Processors
from vzero.prompts.messages import Prompt


@dataclass(frozen=True)
class EncodedPrompts:
    """A padded batch of prompts, or of pieces of prompts, on the model's device."""

    token_ids: torch.Tensor  # (prompts, length), int64
    mask: torch.Tensor  # (prompts, length), 1 on real tokens
    positions: torch.Tensor  # (3, prompts, length), multimodal rotary positions, the first token's is 0
    next_position: torch.Tensor  # (prompts,), rotary position of what follows
    pixels: torch.Tensor | None  # (patches, patch values); None without images
    grids: torch.Tensor | None  # (images, 3), patches in time, height, width

    @property
    def lengths(self) -> torch.Tensor:
        """Real tokens of each prompt, (prompts,)."""
        return self.mask.sum(dim=1)


def image_features(model: LoadedModel, images: Sequence[bytes]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels (patches, patch values) and grids (images, 3). The same bytes are decoded and resized once."""
    distinct = list(dict.fromkeys(images))
    outputs = [
        model.image_processor(images=[decode(data)], input_data_format="channels_last", return_tensors="np")
        for data in distinct
    ]
    by_image = dict(zip(distinct, outputs, strict=True))
    pixels = np.concatenate([by_image[data]["pixel_values"] for data in images])
    grids = np.concatenate([by_image[data]["image_grid_thw"] for data in images])
    return torch.from_numpy(pixels).to(model.device), torch.from_numpy(grids).to(model.device)


def resized(model: LoadedModel | Processors, width: int, height: int) -> tuple[int, int]:
    """Width and height that an image of this size is shown to the model at."""
    processor = model.image_processor
    high, wide = smart_resize(
        height,
        width,
        processor.patch_size * processor.merge_size,
        min_pixels=processor.size["shortest_edge"],
        max_pixels=processor.size["longest_edge"],
    )
    return wide, high


def refusal(model: LoadedModel | Processors, width: int, height: int) -> str | None:
    """Why the processor takes no image of this size, in its own words; None where it takes it.

    It goes by the shape alone, so that what it refuses is known before anything is decoded or encoded.
    """
    try:
        resized(model, width, height)
    except ValueError as error:
        return f"{width} x {height} pixels: {error}"
    return None


def visual_tokens(model: LoadedModel | Processors, width: int, height: int) -> int:
    """Tokens that an image of this size takes in the language model, after the processor's resizing."""
    side = model.image_processor.patch_size * model.image_processor.merge_size
    wide, high = resized(model, width, height)
    return (wide // side) * (high // side)


def prompt_tokens(model: LoadedModel | Processors, text: str, visual: int) -> int:
    """Tokens of a prompt (`Prompt.text`) whose images take `visual` tokens together."""
    ids = model.prompt_tokenizer.token_ids(text)
    return len(ids) - ids.count(model.image_token) + visual


def encode(
    model: LoadedModel, prompts: Sequence[Prompt], *, padding: Literal["left", "right"] = "left"
) -> EncodedPrompts:
    """Encode prompts as one batch. Raises ModelError for one with more or fewer places than images."""
    images = [image for prompt in prompts for image in prompt.images]
    pixels, grids = image_features(model, images) if images else (None, None)
    merged = model.image_processor.merge_size**2
    tokens_per_image = iter((grids.prod(dim=1) // merged).tolist() if grids is not None else [])
    rows = [_token_ids(model, prompt, tokens_per_image) for prompt in prompts]
    token_ids, mask = pad_rows(rows, pad=model.pad_token, device=model.device, padding=padding)
    positions, _ = model.network.model.get_rope_index(
        token_ids,
        mm_token_type_ids=(token_ids == model.image_token).int(),
        image_grid_thw=grids,
        attention_mask=mask,
    )
    last = positions.masked_fill(mask == 0, -1).amax(dim=(0, 2))
    return EncodedPrompts(token_ids, mask, positions, last + 1, pixels, grids)


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


def _token_ids(model: LoadedModel, prompt: Prompt, tokens_per_image: Iterator[int]) -> list[int]:
    written = model.prompt_tokenizer.token_ids(prompt.text)
    places = written.count(model.image_token)
    if places != len(prompt.images):
        raise ModelError(
            f"{prompt.row or 'a prompt'}: the chat template made {places} image places for "
            f"{len(prompt.images)} images: {prompt.text[:500]!r}"
        )
    ids: list[int] = []
    for token in written:
        ids += [token] * (next(tokens_per_image) if token == model.image_token else 1)
    return ids
