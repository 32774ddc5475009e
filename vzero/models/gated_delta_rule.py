"""The gated delta rule over a piece of text, chunk by chunk (arXiv 2412.06464, section 3.3), in PyTorch.

The numbers are those of the library's own fallback, to the last bit. That one writes every chunk into one
tensor and reads it out of others, and a backward pass then copies all of them once a chunk: of long pieces it
takes a time and a memory that grow with the square of their length. Here chunks are taken apart once and put
together once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

LENGTH_EPSILON = 1e-6
"""Added to the squared lengths of keys and queries, as in the kernels for GPUs."""


def gated_delta_rule(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    g: torch.Tensor,
    beta: torch.Tensor,
    **settings: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs (rows, tokens, heads, value width); the state after them (rows, heads, key and value width).

    Queries and keys (rows, tokens, key heads, key width) are brought to length 1 here; each serves as many of
    the values (rows, tokens, heads, value width) as there are for one of it. `g` is the log of the decay and
    `beta` the strength of writing, (rows, tokens, heads). `settings`: `chunk_size`, 64 unless given, and
    `initial_state`, if there is one. All names are the library's, whose other settings change nothing.
    """
    chunk_size, initial = settings.get("chunk_size", 64), settings.get("initial_state")
    tokens, precision = value.shape[1], query.dtype
    repeats = value.shape[2] // key.shape[2]
    if repeats > 1:
        query, key = (heads.repeat_interleave(repeats, dim=2) for heads in (query, key))
    query, key, value, strength, decay = (
        tensor.transpose(1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        for tensor in (query, key, value, beta, g)
    )
    query, key = _of_length_1(query) * key.shape[-1] ** -0.5, _of_length_1(key)
    missing = -tokens % chunk_size
    query, key, value = (functional.pad(tensor, (0, 0, 0, missing)) for tensor in (query, key, value))
    strength, decay = (functional.pad(tensor, (0, missing)) for tensor in (strength, decay))
    written, keys = value * strength[..., None], key * strength[..., None]
    query, key, keys, written = (_chunks(tensor, chunk_size) for tensor in (query, key, keys, written))
    decay = decay.reshape(*decay.shape[:2], -1, chunk_size).cumsum(dim=3)
    state = _state(initial, key, written)
    outputs, state = _scanned(query, key, keys, written, decay, state)
    output = outputs.reshape(*outputs.shape[:2], -1, outputs.shape[-1])[:, :, :tokens]
    return output.transpose(1, 2).to(precision, memory_format=torch.contiguous_format), state


def _of_length_1(vectors: torch.Tensor) -> torch.Tensor:
    return vectors * torch.rsqrt((vectors * vectors).sum(dim=-1, keepdim=True) + LENGTH_EPSILON)


def _chunks(tensor: torch.Tensor, size: int) -> torch.Tensor:
    """(rows, heads, tokens, width) as (rows, heads, chunks, size, width)."""
    return tensor.reshape(*tensor.shape[:2], -1, size, tensor.shape[-1])


def _state(initial: torch.Tensor | None, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    if initial is not None:
        return initial.to(torch.float32)
    return value.new_zeros(*key.shape[:2], key.shape[-1], value.shape[-1])


def _scanned(
    query: torch.Tensor,
    key: torch.Tensor,
    keys: torch.Tensor,
    written: torch.Tensor,
    decay: torch.Tensor,
    state: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of chunks (rows, heads, chunks, size, width): what each reads of the state and of itself, (rows, heads,
    chunks, size, value width), and the state after the last.

    `keys` and `written` are weighed by the strength of writing; `decay` (rows, heads, chunks, size) is the
    log of what is left at a token of the chunk's beginning.
    """
    later = torch.ones(2 * decay.shape[-1:], dtype=torch.bool, device=decay.device).triu(1)
    between = decay[..., :, None] - decay[..., None, :]
    between = between.masked_fill(later, -torch.inf).exp()
    # What a chunk's tokens overwrite of each other is a system of equations; the state's part is left open.
    system = (keys @ key.mT) * between
    within = (query @ key.mT) * between
    news = torch.linalg.solve_triangular(system, written, upper=False, unitriangular=True)
    read = keys * decay.exp()[..., None]
    read = torch.linalg.solve_triangular(system, read, upper=False, unitriangular=True)
    query = query * decay.exp()[..., None]
    key = key * (decay[..., -1:] - decay).exp()[..., None]
    left = decay[..., -1].exp()[..., None, None]
    outputs = []
    for parts in zip(*(tensor.unbind(2) for tensor in (news, read, query, within, left, key)), strict=True):
        chunk_news, chunk_read, chunk_query, chunk_within, chunk_left, chunk_key = parts
        chunk_news = chunk_news - chunk_read @ state
        outputs.append(chunk_query @ state + chunk_within @ chunk_news)
        state = state * chunk_left + chunk_key.mT @ chunk_news
    return torch.stack(outputs, dim=2), state
