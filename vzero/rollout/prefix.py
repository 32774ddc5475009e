"""Prompts are encoded once; their caches are forked into as many continuations as needed.

Works for attention keys and values and for the convolution and recurrent states of linear-attention layers,
with and without gradients.
"""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass

import torch
from transformers import DynamicCache
from transformers.cache_utils import LinearAttentionLayer

from vzero.models.encoding import EncodedPrompts
from vzero.models.loading import LoadedModel


class FunctionalLinearLayer(LinearAttentionLayer):
    """Linear-attention states that are replaced, not overwritten, so that gradients can flow through a fork.

    The library's layer copies new states into a fixed buffer, which invalidates what backward saved.
    """

    def update_conv_state(self, conv_states, state_idx=0, conv_kernel_size=None, **kwargs):
        if not self.is_conv_states_initialized[state_idx]:
            kernel = conv_kernel_size or conv_states.shape[-1]
            self.conv_kernel_size[state_idx] = kernel
            self.dtype, self.device = conv_states.dtype, conv_states.device
            self.is_conv_states_initialized[state_idx] = True
            self.has_previous_state[state_idx] = True
            full = torch.nn.functional.pad(conv_states, (max(kernel - conv_states.shape[-1], 0), 0))
        else:
            earlier, kernel = self.conv_states[state_idx], self.conv_kernel_size[state_idx]
            assert earlier is not None
            assert kernel is not None
            full = torch.cat([earlier, conv_states], dim=-1)
        self.conv_states[state_idx] = full[..., -kernel:]
        return full

    def update_recurrent_state(self, recurrent_states, state_idx=0, **kwargs):
        self.is_recurrent_states_initialized[state_idx] = True
        self.recurrent_states[state_idx] = recurrent_states
        return recurrent_states

    def forked(self, repeats: int) -> FunctionalLinearLayer:
        layer = copy.copy(self)
        layer.conv_states = _repeated(self.conv_states, repeats)
        layer.recurrent_states = _repeated(self.recurrent_states, repeats)
        return layer


def _repeated(states: dict[int, torch.Tensor | None], repeats: int) -> dict[int, torch.Tensor | None]:
    return {
        index: state.repeat_interleave(repeats, dim=0) if state is not None else None
        for index, state in states.items()
    }


@dataclass(frozen=True)
class Prefix:
    """Encoded prompts, ready to be continued."""

    cache: DynamicCache
    mask: torch.Tensor  # (rows, length)
    next_position: torch.Tensor  # (rows,), rotary position of the next token
    last_hidden: torch.Tensor  # (rows, width), predicts the next token


def prefill(model: LoadedModel, encoded: EncodedPrompts) -> Prefix:
    """Run prompts through the model once. Keeps gradients unless under `torch.no_grad`."""
    cache = DynamicCache(config=model.network.config.get_text_config())
    cache.layers = [
        FunctionalLinearLayer() if isinstance(layer, LinearAttentionLayer) else layer
        for layer in cache.layers
    ]
    with computing(model):
        output = model.network.model(
            input_ids=encoded.token_ids,
            attention_mask=encoded.mask,
            position_ids=encoded.positions,
            pixel_values=encoded.pixels,
            image_grid_thw=encoded.grids,
            past_key_values=cache,
            use_cache=True,
        )
    return Prefix(cache, encoded.mask, encoded.next_position, output.last_hidden_state[:, -1])


def fork(prefix: Prefix, repeats: int) -> Prefix:
    """Each row `repeats` times, siblings beside each other. The given prefix stays usable."""
    cache = copy.copy(prefix.cache)
    cache.layers = [_forked(layer, repeats) for layer in prefix.cache.layers]
    return Prefix(
        cache,
        prefix.mask.repeat_interleave(repeats, dim=0),
        prefix.next_position.repeat_interleave(repeats, dim=0),
        prefix.last_hidden.repeat_interleave(repeats, dim=0),
    )


def _forked(layer, repeats: int):
    if isinstance(layer, FunctionalLinearLayer):
        return layer.forked(repeats)
    layer = copy.copy(layer)
    layer.batch_repeat_interleave(repeats)
    return layer


def extend(
    model: LoadedModel, prefix: Prefix, token_ids: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, Prefix]:
    """Continue every row by tokens of shape (rows, n), right-padded where `mask` is 0.

    Returns hidden states (rows, n, width) and the longer prefix. The given prefix's cache is used up.
    """
    offsets = torch.arange(token_ids.shape[1], device=token_ids.device)
    positions = prefix.next_position[:, None] + offsets
    full_mask = torch.cat([prefix.mask, mask], dim=1)
    with computing(model):
        hidden = model.network.model(
            input_ids=token_ids,
            attention_mask=full_mask,
            position_ids=positions.expand(3, -1, -1),
            past_key_values=prefix.cache,
            use_cache=True,
        ).last_hidden_state
    longer = Prefix(prefix.cache, full_mask, prefix.next_position + token_ids.shape[1], hidden[:, -1])
    return hidden, longer


def response_hidden(
    model: LoadedModel, prefix: Prefix, token_ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Hidden states (rows, n, width) whose logits predict the n response tokens, the first one included.

    The first comes from the prompt's last position; the last response token predicts nothing that is needed.
    """
    first = prefix.last_hidden[:, None]
    if token_ids.shape[1] == 1:
        return first
    rest, _ = extend(model, prefix, token_ids[:, :-1], mask[:, :-1])
    return torch.cat([first, rest], dim=1)


def computing(model: LoadedModel) -> contextlib.AbstractContextManager:
    """The compute precision of trainable models; frozen ones are in theirs already."""
    if model.autocast is None:
        return contextlib.nullcontext()
    return torch.autocast(model.device.type, dtype=model.autocast)
