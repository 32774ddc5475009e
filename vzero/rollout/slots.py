"""Slots: rows that are decoded side by side, with caches that stay where they are.

A slot holds one answer under way. Those in use are the first ones; a slot is emptied by moving another into
its place. What a slot holds is compact: a prompt's real tokens from column 0 on, and behind them its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from vzero.models.linear_attention import ForkableLinearLayer
from vzero.rollout.delta_rule import DeltaStates
from vzero.rollout.prefix import Prefix


@dataclass(frozen=True)
class AttentionStates:
    """Of a layer of full attention."""

    keys: torch.Tensor  # (slots, heads, columns, width)
    values: torch.Tensor  # (slots, heads, columns, width)

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        return self.keys, self.values


@dataclass(frozen=True)
class LinearStates:
    """Of a layer of linear attention."""

    inputs: torch.Tensor  # (slots, width, kernel), the convolution's last
    delta: DeltaStates

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        return self.inputs, *self.delta.tensors


class Slots:
    """As many as `count`, of so many `columns`, for what goes on as `like` does."""

    def __init__(self, like: Prefix, count: int, columns: int, dtype: torch.dtype) -> None:
        """`dtype`: of keys, values and the convolutions' inputs."""
        device = like.mask.device
        self.columns = columns
        self.mask = torch.full((count, columns), -torch.inf, dtype=dtype, device=device)
        """Added to attention's logits."""
        self.mask[:, 0] = 0  # attention to nothing is not a number
        self.next_column, self.next_position = torch.zeros(2, count, dtype=torch.int64, device=device)
        self.number = torch.arange(count, device=device)
        self.window = torch.zeros(1, dtype=torch.int64, device=device)
        """Place in the windows of linear attention; the same for all slots."""
        self.layers = [_states(layer, count, columns, dtype) for layer in like.cache.layers]

    @property
    def tensors(self) -> list[torch.Tensor]:
        states = [tensor for layer in self.layers for tensor in layer.tensors]
        return [self.mask, self.next_column, self.next_position, *states]

    def put(self, start: int, prefix: Prefix, rows: Sequence[int]) -> None:
        """Fill slots from `start` on with rows of a prefix, any of them as often as wanted.

        The windows of linear attention have to be folded.
        """
        chosen = torch.tensor(rows, device=self.mask.device)
        into = slice(start, start + len(rows))
        real = prefix.mask.bool()
        lengths = real.sum(dim=1)
        columns = real.int().argsort(dim=1, descending=True, stable=True)[:, : int(lengths.max())]
        self.mask[into] = -torch.inf
        self.mask[into, : columns.shape[1]] = torch.where(real.gather(1, columns), 0.0, -torch.inf)[
            chosen
        ].to(self.mask.dtype)
        self.next_column[into] = lengths[chosen]
        self.next_position[into] = prefix.next_position[chosen]
        layers: list[Any] = prefix.cache.layers
        for states, layer in zip(self.layers, layers, strict=True):
            if isinstance(states, AttentionStates):
                for kept, given in zip(states.tensors, (layer.keys, layer.values), strict=True):
                    compact = given.take_along_dim(columns[:, None, :, None], dim=2)
                    kept[into, :, : columns.shape[1]] = compact[chosen]
            else:
                states.inputs[into] = layer.conv_states[0][chosen]
                states.delta.begin(into, layer.recurrent_states[0][chosen])

    def move(self, slots: Sequence[int], into: Sequence[int]) -> None:
        """Put some slots in the places of others."""
        source, target = (torch.tensor(numbers, device=self.mask.device) for numbers in (slots, into))
        for tensor in self.tensors:
            tensor[target] = tensor[source]

    def fold(self, rows: int) -> None:
        """Begin new windows in the first rows' linear attention, and with them in all."""
        for states in self.layers:
            if isinstance(states, LinearStates):
                states.delta.first(rows).fold()
        self.window.zero_()


def _states(layer: Any, count: int, columns: int, dtype: torch.dtype) -> AttentionStates | LinearStates:
    if isinstance(layer, ForkableLinearLayer):
        inputs, state = layer.conv_states[0], layer.recurrent_states[0]
        assert inputs is not None
        assert state is not None
        return LinearStates(
            inputs.new_zeros(count, *inputs.shape[1:], dtype=dtype),
            DeltaStates.of(state.new_zeros(count, *state.shape[1:], dtype=torch.float32)),
        )
    keys, values = (
        given.new_zeros(count, given.shape[1], columns, given.shape[3], dtype=dtype)
        for given in (layer.keys, layer.values)
    )
    return AttentionStates(keys, values)
