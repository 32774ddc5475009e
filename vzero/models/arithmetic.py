"""FLOPs of a pass through a model, from the shapes of its weights and of its inputs.

Counted are products of matrices and convolutions, 2 FLOPs a multiply-add, as they are computed: padding is
computed like all else, and a query meets every key, those that the mask hides too (a kernel for causal masks
may leave out up to half of these). Not counted: norms, activations, softmax, rotary positions, sums.

A backward pass costs one forward for the gradient of what came in, and one for the gradient of the weights,
where they learn; the two products of attention have two inputs each, so they cost two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel

from vzero.models.linear_attention import chunk_of


@dataclass(frozen=True)
class PassFlops:
    """FLOPs of a part of a model in one pass."""

    forward: int
    layers: int
    """Of `forward`: those of the layers, which may be computed again in the backward pass."""
    backward: int
    """If the pass is followed by one; 0 where nothing learns."""


@dataclass(frozen=True)
class Weights:
    """The weights that one position is multiplied with."""

    all: int
    trained: int

    @classmethod
    def of(cls, parameters: Iterable[tuple[str, torch.nn.Parameter]], share: float = 1.0) -> Weights:
        """Those of named parameters; of experts only a `share`, and no biases and tables of positions."""
        total = trained = 0
        for name, parameter in parameters:
            if parameter.ndim < 2 or "pos_embed" in name:
                continue
            count = math.prod(parameter.shape)
            if ".experts." in name:
                count = round(count * share)
            total += count
            trained += count * parameter.requires_grad
        return cls(total, trained)


@dataclass(frozen=True)
class LanguageModel:
    """The layers of a language model, without the read-out of its vocabulary."""

    weights: Weights
    pair: int
    """FLOPs of a query and a key, over all layers of full attention."""
    linear_layers: int
    linear_heads: tuple[int, int, int]
    """Of linear attention: how many, and the widths of a key and of a value."""

    @classmethod
    def of(cls, network: PreTrainedModel) -> LanguageModel:
        config: Any = network.config.get_text_config()
        layers: Any = network.model.language_model.layers
        kinds = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
        linear = kinds.count("linear_attention")
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        heads = (0, 0, 0)
        if linear:
            heads = (config.linear_num_value_heads, config.linear_key_head_dim, config.linear_value_head_dim)
        share = getattr(config, "num_experts_per_tok", 1) / (getattr(config, "num_experts", None) or 1)
        return cls(
            weights=Weights.of(layers.named_parameters(), share),
            pair=4 * config.num_attention_heads * width * (len(kinds) - linear),
            linear_layers=linear,
            linear_heads=heads,
        )

    def flops(self, rows: int, tokens: int, keys: int) -> PassFlops:
        """Of a piece of (rows, tokens) whose attention spans (rows, keys), itself included."""
        positions = rows * tokens
        attention = self.pair * positions * keys
        attention += rows * self.linear_layers * linear_attention_flops(tokens, *self.linear_heads)
        forward = 2 * self.weights.all * positions + attention
        backward = 2 * (self.weights.all + self.weights.trained) * positions + 2 * attention
        return PassFlops(forward, forward, backward if self.weights.trained else 0)

    def token_flops(self, rows: int, keys: int, window: int) -> int:
        """Of a token a row by `vzero.rollout.one_token`."""
        linear = rows * self.linear_layers * delta_token_flops(window, *self.linear_heads)
        return 2 * self.weights.all * rows + self.pair * rows * keys + linear


@dataclass(frozen=True)
class VisionTower:
    """From patches to the tokens that the language model is shown."""

    embedding: Weights
    """Of a patch's pixels."""
    blocks: Weights
    merger: Weights
    """Of a token, which `merge` x `merge` patches make."""
    merge: int
    pair: int
    """FLOPs of a query and a key in one block."""
    whole: int
    """Blocks in which a patch sees its whole image."""
    windowed: int
    """Blocks in which it sees its window."""
    window: int
    """Tokens on a window's side."""

    @classmethod
    def of(cls, network: PreTrainedModel) -> VisionTower:
        tower: Any = network.model.visual
        config = tower.config
        depth, whole = len(tower.blocks), getattr(config, "fullatt_block_indexes", None)
        seeing_all = depth if whole is None else len(set(whole) & set(range(depth)))
        window = getattr(config, "window_size", 0) // config.spatial_merge_size // config.patch_size
        named = list(tower.named_parameters())
        return cls(
            embedding=Weights.of(each for each in named if each[0].startswith("patch_embed")),
            blocks=Weights.of(each for each in named if each[0].startswith("blocks")),
            merger=Weights.of(each for each in named if "merger" in each[0]),
            merge=config.spatial_merge_size,
            pair=4 * tower.blocks[0].attn.proj.in_features,
            whole=seeing_all,
            windowed=depth - seeing_all,
            window=window,
        )

    def flops(self, grids: Sequence[Sequence[int]]) -> PassFlops:
        """Of images by their patches in time, height and width, (images, 3)."""
        patches = sum(math.prod(grid) for grid in grids)
        tokens = patches // self.merge**2
        attention = self.pair * sum(self._pairs(*grid) for grid in grids)
        layers = 2 * self.blocks.all * patches + attention
        ends = 2 * (self.embedding.all * patches + self.merger.all * tokens)
        if not self.blocks.trained:
            return PassFlops(ends + layers, layers, 0)
        # Pixels need no gradient.
        backward = 2 * self.embedding.trained * patches
        backward += 2 * (self.blocks.all + self.blocks.trained) * patches + 2 * attention
        backward += 2 * (self.merger.all + self.merger.trained) * tokens
        return PassFlops(ends + layers, layers, backward)

    def _pairs(self, time: int, height: int, width: int) -> int:
        """Queries times keys of an image, summed over the blocks."""
        pairs = self.whole * time * (height * width) ** 2
        if self.windowed:
            sides = [_squares(side // self.merge, self.window) for side in (height, width)]
            pairs += self.windowed * time * self.merge**4 * math.prod(sides)
        return pairs


def linear_attention_flops(tokens: int, heads: int, key: int, value: int) -> int:
    """Of a row through one layer of the gated delta rule, computed in chunks (arXiv 2412.06464).

    A chunk of C tokens takes two C x C products of keys and queries of width `key`, one of those with values
    of width `value`, and three products with the state (key, value). The system of equations within a chunk
    is not counted. Tokens are padded to whole chunks.
    """
    chunk = chunk_of(tokens)
    products = chunk**2 * (2 * key + value) + 3 * chunk * key * value
    return 2 * heads * math.ceil(tokens / chunk) * products


def delta_token_flops(window: int, heads: int, key: int, value: int) -> int:
    """Of a row's token through one layer of the gated delta rule by `vzero.rollout.delta_rule`.

    Key and query meet the state, the window's keys, and by these its differences.
    """
    return 4 * heads * (key * value + window * (key + value))


def _squares(side: int, window: int) -> int:
    """The sum of the squared lengths of a side's windows, of which the last may be shorter."""
    return side // window * window**2 + (side % window) ** 2
