"""Causal attention of a piece to what stands before it, without a mask of every query times every key.

Where nothing before a piece is padded and the piece is padded on its right, if at all, causality is all that
hides a key: of n queries and m keys, query i sees the first m - n + i + 1. GPUs have kernels for that; on a
CPU queries go block by block, each with the keys that it may see and a view of one small mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention.bias import causal_lower_right
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "vzero_behind_prefix"
BLOCK = 256  # queries that a CPU takes at once


@dataclass(frozen=True)
class LowerRight:
    """What hides keys from a piece's queries, where that is their order alone."""

    queries: int
    keys: int
    block: torch.Tensor | None
    """On a CPU (rows of a block, columns), added to logits: row i sees the first `keys` - 1 + i columns, and
    blocks take the columns that fit. None where there is a kernel."""

    @classmethod
    def of(cls, queries: int, keys: int, device: torch.device, dtype: torch.dtype) -> LowerRight:
        if device.type != "cpu":
            return cls(queries, keys, None)
        rows = min(queries, BLOCK)
        hidden = torch.full((rows, keys + rows - 1), -torch.inf, dtype=dtype)
        return cls(queries, keys, hidden.triu(keys))

    def of_rows(self, start: int, stop: int) -> torch.Tensor:
        """The mask of some queries of a block, over the keys that the last of them sees."""
        assert self.block is not None
        seen = self.keys - self.queries + start  # before the first of them
        first = self.keys - 1 - seen
        return self.block[: stop - start, first : first + seen + stop - start]


def attend_behind_prefixes(network: Any) -> None:
    """Make a network's language model attend so wherever it is given no mask."""
    network.config.get_text_config()._attn_implementation = NAME


def _mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    attention_mask: torch.Tensor | None = None,
    **settings: Any,
) -> torch.Tensor | LowerRight | None:
    """In the place of the library's: None leaves it to causality, from the first query to the first key."""
    if attention_mask is not None:
        return sdpa_mask(batch_size, q_length, kv_length, attention_mask=attention_mask, **settings)
    if q_length in (1, kv_length):
        return None
    return LowerRight.of(q_length, kv_length, torch.device(settings["device"]), settings["dtype"])


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | LowerRight | None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """As `sdpa_attention_forward`, of (rows, heads, tokens, width); returns (rows, tokens, heads, width)."""
    if not isinstance(attention_mask, LowerRight):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
    if torch.is_autocast_enabled(query.device.type):
        precision = torch.get_autocast_dtype(query.device.type)
        query, key, value = query.to(precision), key.to(precision), value.to(precision)
    groups: Any = getattr(module, "num_key_value_groups", 1)
    key, value = repeat_kv(key, groups), repeat_kv(value, groups)
    scale = settings.get("scaling")
    if attention_mask.block is None:
        bias = causal_lower_right(attention_mask.queries, attention_mask.keys)
        mixed = scaled_dot_product_attention(query, key, value, bias, scale=scale)
    else:
        mixed = _block_by_block(query, key, value, attention_mask, scale)
    return mixed.transpose(1, 2).contiguous(), None


def _block_by_block(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, order: LowerRight, scale: float | None
) -> torch.Tensor:
    parts = []
    for start in range(0, order.queries, BLOCK):
        stop = min(start + BLOCK, order.queries)
        mask = order.of_rows(start, stop).to(query.dtype)
        seen = mask.shape[1]
        parts.append(
            scaled_dot_product_attention(
                query[:, :, start:stop], key[:, :, :seen], value[:, :, :seen], mask, scale=scale
            )
        )
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, _mask)
