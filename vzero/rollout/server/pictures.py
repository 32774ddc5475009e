"""A prompt's pictures as a vLLM server takes them: the pixels that we computed, and where they belong.

What the server's own image processor would make of the encoded image never has to agree with ours. The form
is that of vLLM 0.32 (`vllm/v1/serial_utils.py`, `entrypoints/scale_out/token_in_token_out`): an item is a
msgpack map of fields, a tensor in it is [dtype, shape, extension 3 with its bytes], all in base64.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgpack
import torch
import xxhash

from vzero.models.loading import LoadedModel
from vzero.models.pixels import visual_tokens
from vzero.models.prompt import Prompt

RAW_BYTES = 3
"""The extension type of a tensor's bytes."""


def features_of(model: LoadedModel, prompt: Prompt, salt: str) -> dict[str, Any] | None:
    """What goes with the token ids of a prompt that has pictures.

    `salt` is a part of the pictures' names: what a server remembers of one by its name, such as what the
    vision tower made of it, belongs to the weights that it had then.
    """
    if not prompt.pictures:
        return None
    dtype = model.autocast or model.network.dtype
    names, items = [], []
    for pixels in prompt.pixels:
        values, grid = (torch.as_tensor(made) for made in pixels())
        names.append(f"{xxhash.xxh3_128_hexdigest(values.numpy().tobytes() + grid.numpy().tobytes())}-{salt}")
        items.append(packed(values.to(dtype), grid[0]))
    places = [{"offset": start, "length": length} for start, length in _places(model, prompt)]
    return {
        "mm_hashes": {"image": names},
        "mm_placeholders": {"image": places},
        "kwargs_data": {"image": items},
    }


def packed(pixels: torch.Tensor, grid: torch.Tensor) -> str:
    """An image's pixels (patches, values) and grid (3,) as one item of the wire."""
    slices = [[0, pixels.shape[0], None]]
    item = {
        "pixel_values": {
            "data": _tensor(pixels),
            "field": ["flat", {"keep_on_cpu": False, "slices": slices, "dim": 0}],
        },
        "image_grid_thw": {"data": _tensor(grid), "field": ["batched", {"keep_on_cpu": True}]},
    }
    return base64.b64encode(bytes(msgpack.packb(item) or b"")).decode("ascii")


def unpacked(item: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels and grid of `packed`."""
    fields = msgpack.unpackb(base64.b64decode(item))
    return _read(fields["pixel_values"]["data"]), _read(fields["image_grid_thw"]["data"])


def _tensor(tensor: torch.Tensor) -> list[Any]:
    content = tensor.contiguous().view(torch.uint8).numpy().tobytes()
    return [str(tensor.dtype).removeprefix("torch."), list(tensor.shape), msgpack.ExtType(RAW_BYTES, content)]


def _read(data: list[Any]) -> torch.Tensor:
    dtype, shape, content = data
    return torch.frombuffer(bytearray(content.data), dtype=getattr(torch, dtype)).reshape(shape)


def _places(model: LoadedModel, prompt: Prompt) -> Iterator[tuple[int, int]]:
    """Where each picture's tokens begin, and how many they are."""
    end = 0
    for picture in prompt.pictures:
        start = prompt.token_ids.index(model.image_token, end)
        length = visual_tokens(model, picture.width, picture.height)
        yield start, length
        end = start + length
