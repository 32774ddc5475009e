"""What a model has computed: every pass and every read-out of the vocabulary counts itself, by its shapes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from transformers import PreTrainedModel

from vzero.models.arithmetic import LanguageModel, PassFlops, VisionTower


class Work:
    """Sums since the model was loaded. What is shared by several answers is computed, and counted, once.

    What is computed with gradients counts with its backward pass. Which weights learn is read at the first
    pass.
    """

    def __init__(self, network: PreTrainedModel) -> None:
        self._network: Any = network
        self.flops = 0
        self.positions = 0
        """Of the language model, padding included."""
        self.recomputes_layers = False
        """Whether the backward pass computes layers again (`vzero.models.recompute`)."""

    def count_pass(self, tokens: torch.Tensor, keys: int, grids: torch.Tensor | None) -> None:
        """Token ids (rows, tokens) of a piece whose attention spans (rows, keys), and its images' grids."""
        rows, length = tokens.shape
        self.positions += rows * length
        self._add(self._language_model.flops(rows, length, keys))
        if grids is not None:
            self._add(self._vision_tower.flops(grids.tolist()))

    def count_token(self, rows: int, keys: int, window: int) -> None:
        """A token a row as `vzero.rollout.one_token` computes it: attention spans (rows, keys), linear
        attention a window of tokens beside its state."""
        self.positions += rows
        self.flops += self._language_model.token_flops(rows, keys, window)

    def count_fold(self, rows: int, window: int) -> None:
        """A window of so many tokens a row that is folded into the states of linear attention."""
        heads, key, value = self._language_model.linear_heads
        self.flops += 2 * rows * self._language_model.linear_layers * heads * window * key * value

    def count_read_out(self, positions: int, *, differentiated: bool = False) -> None:
        """Logits of the whole vocabulary. With gradients they are made again in the backward pass, as the
        loss does; `differentiated` says whether the hidden states have one."""
        head = self._network.lm_head
        times = 1
        if torch.is_grad_enabled():
            times += 1 + differentiated + head.weight.requires_grad
        self.flops += times * 2 * positions * head.in_features * head.out_features

    def _add(self, part: PassFlops) -> None:
        self.flops += part.forward
        if torch.is_grad_enabled() and part.backward:
            self.flops += part.backward + (part.layers if self.recomputes_layers else 0)

    @cached_property
    def _language_model(self) -> LanguageModel:
        return LanguageModel.of(self._network)

    @cached_property
    def _vision_tower(self) -> VisionTower:
        return VisionTower.of(self._network)
