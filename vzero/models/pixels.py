"""Pictures as a model's image processor makes them: each made once, on whichever thread comes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from threading import Lock
from weakref import WeakValueDictionary

import numpy as np
import torch
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from vzero.errors import ModelError
from vzero.imaging import decode
from vzero.models.loading import LoadedModel, Processors
from vzero.prompts.views import Picture

Made = tuple[np.ndarray | torch.Tensor, np.ndarray]
"""Pixels (patches, patch values) and grid (1, 3): patches in time, height, width."""


class Pixels:
    """What is made of a picture when it is first asked for; whoever asks meanwhile waits for it."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: Made | None = None
        self._lock = Lock()

    def __call__(self) -> Made:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


class PixelStore:
    """Pictures, each once for every way of processing, for as long as a prompt has them."""

    def __init__(self, ahead: Executor | None = None) -> None:
        """With `ahead`, pictures are made on its threads as soon as they are known."""
        self._ahead = ahead
        self._known: WeakValueDictionary[tuple[str, bytes], Pixels] = WeakValueDictionary()

    def of(self, model: LoadedModel, picture: Picture) -> Pixels:
        """The pixels of a picture with data."""
        if picture.data is None:
            raise ValueError(f"{picture.name}: its size alone is known, not its pixels")
        key = model.image_recipe, picture.data
        pixels = self._known.get(key)
        if pixels is None:
            pixels = self._known[key] = Pixels(partial(_processed, model, picture))
            if self._ahead is not None:
                self._ahead.submit(pixels)
        return pixels


def _processed(model: LoadedModel, picture: Picture) -> Made:
    assert picture.data is not None
    values, grid = process(model, picture.data)
    tokens = visual_tokens(model, picture.width, picture.height)
    if int(grid.prod()) != tokens * model.image_processor.merge_size**2:
        raise ModelError(
            f"{picture.name}: told to be {picture.width} x {picture.height} pixels, which take {tokens} "
            f"tokens, but its pixels make a grid of {grid.tolist()} patches"
        )
    return values, grid


def process(model: LoadedModel | Processors, image: bytes) -> Made:
    """An encoded image decoded, resized and normalised."""
    made = model.image_processor(
        images=[decode(image)], input_data_format="channels_last", return_tensors="np"
    )
    return made["pixel_values"], made["image_grid_thw"]


def image_features(model: LoadedModel, images: Sequence[bytes]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels (patches, patch values) and grids (images, 3) of encoded images, on the model's device."""
    return batched(model, [process(model, data) for data in images])


def batched(model: LoadedModel, made: Sequence[Made]) -> tuple[torch.Tensor, torch.Tensor]:
    """Several pictures' pixels (patches, patch values) and grids (images, 3), on the model's device."""
    pixels = torch.cat([torch.as_tensor(values) for values, _ in made])
    grids = torch.cat([torch.as_tensor(grid) for _, grid in made])
    return pixels.to(model.device), grids.to(model.device)


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
