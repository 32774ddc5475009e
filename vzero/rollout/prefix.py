"""Prompts are encoded once and continued as often as needed.

A prefix can be forked into siblings, and continued piece by piece: the full image, then a crop and the
question, then an answer. Rows of a piece may differ in length; padding changes nothing. Works for attention
keys and values and for linear-attention states, with and without gradients.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from transformers import DynamicCache
from transformers.cache_utils import LinearAttentionLayer

from vzero.models.encoding import EncodedPrompts, encode
from vzero.models.linear_attention import ForkableLinearLayer, chunk_of
from vzero.models.loading import LoadedModel
from vzero.models.prompt import Piece, Prompt
from vzero.rollout.stems import stems


@dataclass(frozen=True)
class Prefix:
    """Encoded text and images, ready to be continued."""

    cache: DynamicCache
    mask: torch.Tensor  # (rows, length), 0 on padding, which may stand anywhere
    next_position: torch.Tensor  # (rows,), rotary position of the next token
    last_hidden: torch.Tensor  # (rows, width), predicts the next token
    padded: bool  # whether any row of any piece was, so that order alone does not tell what hides keys


def prefill(model: LoadedModel, prompts: Sequence[Prompt]) -> Prefix:
    """Run prompts through the model, one row a prompt. What they begin with in common is run once.

    That is everything up to the end of the first image: the two views of a sample, or questions about one
    image, share it. Of many texts about one image it is also what they begin with (`vzero.rollout.stems`).
    Keeps gradients unless under `torch.no_grad`.
    """
    parts = [prompt.halves for prompt in prompts]
    heads = list(dict.fromkeys(head for head, _ in parts))
    if len(heads) == len(prompts) or not all(tail.token_ids for _, tail in parts):
        return begin(model, encode(model, prompts))
    number = {head: index for index, head in enumerate(heads)}
    rows = [number[head] for head, _ in parts]
    tails = [tail for _, tail in parts]
    begun = begin(model, encode(model, heads))
    if cuts := _stems(rows, tails):
        texts = [tail.token_ids for tail in tails]
        stems_of = [text[:cut] for text, cut in zip(texts, cuts, strict=True)]
        begun, rows = _continue_once(model, begun, rows, stems_of)
        tails = [Piece(text[cut:], ()) for text, cut in zip(texts, cuts, strict=True)]
    return _continued(model, begun, rows, tails)


def _continued(model: LoadedModel, begun: Prefix, rows: Sequence[int], tails: Sequence[Piece]) -> Prefix:
    """Row by row, the beginning of that number and what follows it."""
    chosen = select(begun, torch.tensor(rows, device=model.device))
    return extend(model, chosen, encode(model, tails, padding="right"))[1]


def _continue_once(
    model: LoadedModel, begun: Prefix, rows: Sequence[int], texts: Sequence[tuple[int, ...]]
) -> tuple[Prefix, list[int]]:
    """Each different text behind its beginning, run once; and which of them each row has."""
    number = {each: index for index, each in enumerate(dict.fromkeys(zip(rows, texts, strict=True)))}
    prefix = _continued(model, begun, [row for row, _ in number], [Piece(text, ()) for _, text in number])
    return prefix, [number[each] for each in zip(rows, texts, strict=True)]


def _stems(rows: Sequence[int], tails: Sequence[Piece]) -> list[int]:
    """Tokens of each tail that are run before the rest, for several at once; [] where none are.

    A tail that shares with no other is cut before its last token: no piece of a batch may be empty.
    """
    if any(tail.pictures or len(tail.token_ids) < 2 for tail in tails):
        return []
    lengths: dict[int, int] = {}
    for head in dict.fromkeys(rows):
        lengths |= stems({place: tails[place].token_ids for place, row in enumerate(rows) if row == head})
    if not any(lengths.values()):
        return []
    return [lengths[place] or len(tail.token_ids) - 1 for place, tail in enumerate(tails)]


def begin(model: LoadedModel, encoded: EncodedPrompts) -> Prefix:
    """Run a batch of prompts as it is, one row each."""
    rows = encoded.token_ids.shape[0]
    nothing = Prefix(
        cache=_empty_cache(model),
        mask=encoded.mask[:, :0],
        next_position=encoded.next_position.new_zeros(rows),
        last_hidden=torch.empty(rows, 0, device=model.device),
        padded=False,
    )
    return extend(model, nothing, encoded)[1]


def _empty_cache(model: LoadedModel) -> DynamicCache:
    cache = DynamicCache(config=model.network.config.get_text_config())
    cache.layers = [
        ForkableLinearLayer() if isinstance(layer, LinearAttentionLayer) else layer for layer in cache.layers
    ]
    return cache


def fork(prefix: Prefix, repeats: int) -> Prefix:
    """Each row `repeats` times, siblings beside each other. The given prefix stays usable."""
    rows = torch.arange(prefix.mask.shape[0], device=prefix.mask.device)
    return select(prefix, rows.repeat_interleave(repeats))


def select(prefix: Prefix, rows: torch.Tensor) -> Prefix:
    """The rows of these numbers (chosen,), any of them as often as wanted. The given prefix stays usable."""
    cache = copy.copy(prefix.cache)
    cache.layers = [_selected(layer, rows) for layer in prefix.cache.layers]
    return replace(
        prefix,
        cache=cache,
        mask=prefix.mask[rows],
        next_position=prefix.next_position[rows],
        last_hidden=prefix.last_hidden[rows],
    )


def _selected(layer, rows: torch.Tensor):
    if isinstance(layer, ForkableLinearLayer):
        return layer.select(rows)
    layer = copy.copy(layer)
    layer.keys, layer.values = layer.keys[rows], layer.values[rows]
    return layer


def extend(model: LoadedModel, prefix: Prefix, piece: EncodedPrompts) -> tuple[torch.Tensor, Prefix]:
    """Continue every row by a piece of (rows, n) tokens whose positions count from 0.

    Returns hidden states (rows, n, width) and the longer prefix. The given prefix's cache is used up.
    """
    if piece.token_ids.shape[1] == 1 and torch.is_grad_enabled() and model.has_linear_attention:
        hidden, longer = extend(model, prefix, _padded(model, piece))
        return hidden[:, :1], longer
    mask = torch.cat([prefix.mask, piece.mask], dim=1)
    by_order = not prefix.padded and piece.padding != "left"
    _tell(prefix.cache, piece.mask if by_order and piece.padding == "right" else None)
    chunk = {"chunk_size": chunk_of(piece.token_ids.shape[1])} if model.has_linear_attention else {}
    model.work.count_pass(piece.token_ids, mask.shape[1], piece.grids)
    with computing(model):
        hidden = model.network.model(
            input_ids=piece.token_ids,
            attention_mask=None if by_order else mask,
            position_ids=piece.positions + prefix.next_position[:, None],
            pixel_values=piece.pixels,
            image_grid_thw=piece.grids,
            past_key_values=prefix.cache,
            use_cache=True,
            **chunk,
        ).last_hidden_state
    columns = torch.arange(piece.mask.shape[1], device=mask.device)
    last = (piece.mask * columns).argmax(dim=1)
    last_hidden = hidden[torch.arange(hidden.shape[0], device=hidden.device), last]
    padded = prefix.padded or piece.padding != "none"
    return hidden, Prefix(prefix.cache, mask, prefix.next_position + piece.next_position, last_hidden, padded)


def _tell(cache: DynamicCache, piece_mask: torch.Tensor | None) -> None:
    """Tell linear attention of padding that the library is not told of."""
    for layer in cache.layers:
        if isinstance(layer, ForkableLinearLayer):
            layer.piece_mask = piece_mask


def _padded(model: LoadedModel, piece: EncodedPrompts) -> EncodedPrompts:
    """A piece with a column of padding behind it.

    For a single token linear attention takes kernels made for sampling: the convolution's writes its state in
    place, and those for GPUs have no backward pass.
    """
    pad = torch.nn.functional.pad
    return replace(
        piece,
        token_ids=pad(piece.token_ids, (0, 1), value=model.pad_token),
        mask=pad(piece.mask, (0, 1)),
        padding="right",
        positions=pad(piece.positions, (0, 1)),
    )


def text_piece(token_ids: torch.Tensor, mask: torch.Tensor) -> EncodedPrompts:
    """Right-padded text tokens (rows, n) as a piece to continue by."""
    columns = torch.arange(token_ids.shape[1], device=token_ids.device)
    positions = columns.expand(3, *token_ids.shape)
    padding = "none" if bool(mask.all()) else "right"
    return EncodedPrompts(token_ids, mask, positions, mask.sum(dim=1), None, None, padding)


def response_hidden(
    model: LoadedModel, prefix: Prefix, token_ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Hidden states (rows, n, width) that predict the n response tokens (rows, n), the first one included.

    The first comes from the prompt's last position; the last response token predicts nothing that is needed.
    """
    first = prefix.last_hidden[:, None]
    if token_ids.shape[1] == 1:
        return first
    rest, _ = extend(model, prefix, text_piece(token_ids[:, :-1], mask[:, :-1]))
    return torch.cat([first, rest], dim=1)


def computing(model: LoadedModel) -> contextlib.AbstractContextManager:
    """The compute precision of trainable models; frozen ones are in theirs already."""
    if model.autocast is None:
        return contextlib.nullcontext()
    return torch.autocast(model.device.type, dtype=model.autocast)
