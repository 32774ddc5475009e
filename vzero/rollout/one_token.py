"""A model's layers for one token a row, over slots: the same numbers as the library's, in half the kernels.

Projections and the feed-forward part are the library's modules. What lies between them is written here for a
single token, for every family: norms, rotary positions, attention to a slot's columns, the delta rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from vzero.models.gated_delta_rule import LENGTH_EPSILON
from vzero.models.loading import LoadedModel
from vzero.rollout.prefix import computing
from vzero.rollout.slots import AttentionStates, LinearStates, Slots

ZERO_CENTRED = ("qwen3_5", "qwen3_5_moe")
"""Families whose norms multiply by 1 + weight, but for those of linear attention."""


class Norm:
    """Root mean square norm, computed in float32."""

    def __init__(self, module: Any, *, zero_centred: bool) -> None:
        weight = module.weight.float()
        self._weight = 1.0 + weight if zero_centred else weight
        self.eps = module.eps if hasattr(module, "eps") else module.variance_epsilon

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(values.float(), self._weight.shape, self._weight, self.eps)


class OneToken:
    """The language model with the weights that it has now."""

    def __init__(self, model: LoadedModel) -> None:
        text: Any = model.network.model.language_model
        self._model, self._text = model, text
        self._precision = model.autocast or model.network.dtype
        zero_centred = model.network.config.model_type in ZERO_CENTRED
        self._norm = Norm(text.norm, zero_centred=zero_centred)
        half = text.rotary_emb.inv_freq.new_ones(text.rotary_emb.inv_freq.shape)
        self._sign = torch.cat([-half, half])
        self._layers: list[Any] = [
            (_Attention if hasattr(layer, "self_attn") else _LinearAttention)(
                layer, self._precision, zero_centred=zero_centred
            )
            for layer in text.layers
        ]

    @property
    def precision(self) -> torch.dtype:
        """That the layers compute in."""
        return self._precision

    def __call__(self, tokens: torch.Tensor, slots: Slots, columns: int) -> torch.Tensor:
        """Hidden states (rows, width) behind tokens (rows,) of the first slots, which attend to so many of
        their columns. Caches are written; where the next token goes is not changed."""
        rows = tokens.shape[0]
        positions = slots.next_position[:rows]
        mask = slots.mask[:rows]
        mask.scatter_(1, slots.next_column[:rows, None], 0.0)
        with computing(self._model):
            hidden = self._text.embed_tokens(tokens)
            cos, sin = self._text.rotary_emb(self._sign, positions.expand(3, 1, -1).mT)
            token = _Token(slots, (cos, sin * self._sign), mask[:, :columns])
            for layer, states in zip(self._layers, slots.layers, strict=True):
                hidden = layer.feed_forward(hidden + layer.mix(hidden, states, token))
        return self._norm(hidden).to(hidden.dtype)


@dataclass(frozen=True)
class _Token:
    """What all layers are told of the token under way."""

    slots: Slots
    around: tuple[torch.Tensor, torch.Tensor]
    """Cosines, and sines with their sign, (rows, 1, rotated width)."""
    mask: torch.Tensor
    """(rows, columns), added to logits."""


class _Layer:
    def __init__(self, layer: Any, precision: torch.dtype, *, zero_centred: bool) -> None:
        self._layer, self._precision = layer, precision
        self._before = Norm(layer.input_layernorm, zero_centred=zero_centred)
        self._between = Norm(layer.post_attention_layernorm, zero_centred=zero_centred)

    def feed_forward(self, hidden: torch.Tensor) -> torch.Tensor:
        inputs = self._between(hidden).to(self._precision)
        return hidden + self._layer.mlp(inputs[:, None])[:, 0]


class _Attention(_Layer):
    def __init__(self, layer: Any, precision: torch.dtype, *, zero_centred: bool) -> None:
        super().__init__(layer, precision, zero_centred=zero_centred)
        attention = layer.self_attn
        self._normed = hasattr(attention, "q_norm")
        if self._normed:
            self._of_query = Norm(attention.q_norm, zero_centred=zero_centred)
            self._of_key = Norm(attention.k_norm, zero_centred=zero_centred)

    def mix(self, hidden: torch.Tensor, states: AttentionStates, token: _Token) -> torch.Tensor:
        attention = self._layer.self_attn
        rows, width = hidden.shape[0], attention.head_dim
        inputs = self._before(hidden).to(self._precision)
        query = attention.q_proj(inputs)
        key = attention.k_proj(inputs).view(rows, -1, width)
        value = attention.v_proj(inputs).view(rows, -1, width)
        heads, groups = key.shape[1], attention.num_key_value_groups
        gate = None
        if query.shape[1] == 2 * heads * groups * width:
            query, gate = query.view(rows, -1, 2 * width).chunk(2, dim=-1)
        query = query.reshape(rows, -1, width)
        if self._normed:
            query, key = self._of_query(query), self._of_key(key)
        both = torch.cat([query, key], dim=1).float()
        cos, turned = token.around
        rotated = both[..., : cos.shape[-1]]
        rolled = rotated.roll(cos.shape[-1] // 2, dims=-1)
        rotated.mul_(cos).addcmul_(rolled, turned)
        both = both.to(self._precision)
        number, column = token.slots.number[:rows], token.slots.next_column[:rows]
        states.keys[number, :, column] = both[:, heads * groups :]
        states.values[number, :, column] = value
        columns = token.mask.shape[1]
        # Queries of one key's group stand side by side, as if they were several tokens.
        mixed = functional.scaled_dot_product_attention(
            both[:, : heads * groups].view(rows, heads, groups, width),
            states.keys[:rows, :, :columns],
            states.values[:rows, :, :columns],
            attn_mask=token.mask[:, None, None],
            scale=attention.scaling,
        ).reshape(rows, -1, width)
        if gate is not None:
            mixed = mixed * gate.sigmoid()
        return attention.o_proj(mixed.view(rows, -1))


class _LinearAttention(_Layer):
    def __init__(self, layer: Any, precision: torch.dtype, *, zero_centred: bool) -> None:
        super().__init__(layer, precision, zero_centred=zero_centred)
        linear = layer.linear_attn
        # Queries are not divided by the root of their width: the norm is the same with a larger constant.
        self._of_output = Norm(linear.norm, zero_centred=False)
        self._of_output.eps *= linear.head_k_dim
        self._rate = -linear.A_log.float().exp()
        self._kernel = linear.conv1d.weight.squeeze(1)
        self._unit = torch.full((linear.head_k_dim,), linear.head_k_dim**-0.5, device=linear.A_log.device)

    def mix(self, hidden: torch.Tensor, states: LinearStates, token: _Token) -> torch.Tensor:
        linear = self._layer.linear_attn
        rows = hidden.shape[0]
        inputs = self._before(hidden).to(self._precision)
        mixed, z = linear.in_proj_qkv(inputs), linear.in_proj_z(inputs)
        b, a = linear.in_proj_b(inputs), linear.in_proj_a(inputs)
        with torch.autocast(hidden.device.type, enabled=False):
            window = states.inputs[:rows]
            window.copy_(torch.cat([window[..., 1:], mixed[..., None]], dim=-1))
            mixed = functional.silu((window * self._kernel).sum(dim=-1, dtype=torch.float32))
            query_key, value = mixed.split([2 * linear.key_dim, linear.value_dim], dim=-1)
            # A vector of length 1 is the norm's, divided by the root of its width.
            query_key = functional.rms_norm(
                query_key.view(rows, 2, linear.num_k_heads, linear.head_k_dim),
                self._unit.shape,
                self._unit,
                LENGTH_EPSILON / linear.head_k_dim,
            )
            repeats = linear.num_v_heads // linear.num_k_heads
            of_heads = query_key.transpose(1, 2)[:, :, None].expand(-1, -1, repeats, -1, -1)
            output = states.delta.first(rows).next_output(
                token.slots.window,
                of_heads.reshape(-1, 2, linear.head_k_dim),
                value.view(rows, -1, linear.head_v_dim),
                functional.softplus(a + linear.dt_bias.float()) * self._rate,
                b.sigmoid(),
            )
            gate = functional.silu(z.float()).view(-1, linear.head_v_dim)
            mixed = self._of_output(output).mul_(gate).to(self._precision).view(rows, -1)
        return linear.out_proj(mixed)
