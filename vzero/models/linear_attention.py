"""Linear-attention layers that can be forked, carry gradients, and pass over padding in the middle.

The library's layers are made for one left-padded prompt and its answer. Here a sequence is continued in
ragged pieces, so a row may have padding between two pieces, which must leave its state as it is.
"""

from __future__ import annotations

import copy
import importlib.util
import inspect
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from transformers.cache_utils import LinearAttentionLayer

from vzero.models.gated_delta_rule import gated_delta_rule

RULE = "torch_chunk_gated_delta_rule"
"""As which the library's layers know the gated delta rule."""
WITHOUT_KERNELS = (
    "linear attention runs in PyTorch's own operations, which is slower and takes more memory than its "
    "kernels: pip install 'vzero[fast-kernels]'"
)
MAX_CHUNK = 64  # tokens that are computed at once, of the library's own accord


class ForkableLinearLayer(LinearAttentionLayer):
    """Convolution and recurrent states that are replaced, not overwritten, and own their storage.

    The library's layer copies new states into a fixed buffer, which invalidates what backward saved.
    `piece_mask` (rows, tokens) marks the real tokens of the piece under way; None: all are real.
    """

    piece_mask: torch.Tensor | None = None

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
            if earlier.requires_grad:
                # Its gradient waits until all of the piece is done, and would be a view of the whole piece's.
                earlier = earlier * 1.0
            full = torch.cat([earlier, conv_states], dim=-1)
        self.conv_states[state_idx] = _last_real(full, kernel, self.piece_mask)
        return full

    def update_recurrent_state(self, recurrent_states, state_idx=0, **kwargs):
        self.is_recurrent_states_initialized[state_idx] = True
        self.recurrent_states[state_idx] = recurrent_states
        return recurrent_states

    def select(self, rows: torch.Tensor) -> ForkableLinearLayer:
        """The states of some rows, any of them as often as wanted; this layer stays usable."""
        layer = copy.copy(self)
        layer.conv_states = _selected(self.conv_states, rows)
        layer.recurrent_states = _selected(self.recurrent_states, rows)
        return layer


def _last_real(inputs: torch.Tensor, kernel: int, mask: torch.Tensor | None) -> torch.Tensor:
    """A copy of the convolution inputs (rows, width, kernel) that end at each row's last real token.

    A view would keep the inputs of the whole piece alive.
    """
    if mask is None or bool(mask[:, -1].all()):
        return inputs[..., -kernel:].clone()
    columns = torch.arange(1, mask.shape[1] + 1, device=mask.device)
    trailing = mask.shape[1] - (mask * columns).amax(dim=1)
    ends = inputs.shape[-1] - trailing
    window = ends[:, None] + torch.arange(-kernel, 0, device=mask.device)
    return inputs.gather(-1, window[:, None].expand(-1, inputs.shape[1], -1))


def _selected(states: dict[int, torch.Tensor | None], rows: torch.Tensor) -> dict[int, torch.Tensor | None]:
    return {index: state[rows] if state is not None else None for index, state in states.items()}


def chunk_of(tokens: int) -> int:
    """Tokens of a piece that are computed at once: short pieces are not padded to the usual chunk."""
    return min(MAX_CHUNK, 1 << (tokens - 1).bit_length())


def fast_kernels() -> bool:
    """Whether layers run in kernels for GPUs, of the extra `fast-kernels`."""
    return torch.cuda.is_available() and importlib.util.find_spec("fla") is not None


def adapt_linear_attention(network: torch.nn.Module) -> None:
    """Make a network's linear-attention layers keep their state at padding, wherever it stands, and compute
    the delta rule by ours where there are no `fast_kernels`.

    The library zeroes a padded token's inputs. That suffices before the first token; after it the token would
    still decay the state, by a bias, and write what the convolution carries over from its neighbours.
    Networks without such layers are left as they are.
    """
    for layer in linear_attention_of(network):
        layer.register_forward_pre_hook(_note_padding, with_kwargs=True)
        layer.register_forward_hook(_forget_padding)
        for name in ("in_proj_a", "in_proj_b"):
            layer.get_submodule(name).register_forward_hook(partial(_closed_at_padding, layer))
        if not fast_kernels():
            replace_rule(layer, gated_delta_rule)


def linear_attention_of(network: torch.nn.Module) -> list[torch.nn.Module]:
    """Its layers of that kind."""
    return [module for module in network.modules() if hasattr(module, "in_proj_a")]


def replace_rule(layer: Any, rule: Callable[..., Any]) -> None:
    """The layer's forward function is the library's, which finds the rule among the globals it is given."""
    function: Any = inspect.unwrap(type(layer).forward)
    names = function.__globals__ | {RULE: rule}
    own = types.FunctionType(function.__code__, names, argdefs=function.__defaults__)
    layer.forward = types.MethodType(own, layer)


def _note_padding(module, args, kwargs) -> None:
    """Padding is what the library says, or what the cache was told where the library was told of none."""
    module.piece_mask = kwargs.get("attention_mask")
    if (cache := kwargs.get("cache_params")) is not None:
        layer = cache.layers[module.layer_idx]
        if module.piece_mask is None:
            module.piece_mask = getattr(layer, "piece_mask", None)
        layer.piece_mask = module.piece_mask


def _forget_padding(module, args, output) -> None:
    module.piece_mask = None


def _closed_at_padding(layer, module, args, output):
    """Decay is the softplus of one projection, writing strength the sigmoid of another: 0 at -infinity."""
    if layer.piece_mask is None:
        return output
    return output.masked_fill(layer.piece_mask[:, :, None] == 0, -torch.inf)
