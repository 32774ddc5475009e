"""A prefix whose backward pass is one of its own, behind that of all that continues it.

In one pass a weight's gradient, as large as the weight, waits from the last use of the weight to its first.
Answers use all weights, and so do their prompts before them: all gradients would wait at once, beside the
sums that they are added to. In two passes each is added up when it is there.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch

from vzero.models.linear_attention import ForkableLinearLayer
from vzero.rollout.prefix import Prefix


def backward_apart(prefix: Prefix) -> Prefix:
    """The same prefix; gradients flow into it when they have come from everything behind it."""
    differentiated = [tensor for tensor in _tensors(prefix) if tensor.requires_grad]
    if not differentiated:
        return prefix
    leaves = [tensor.detach().requires_grad_() for tensor in differentiated]
    given = zip(differentiated, _Border.apply(differentiated, *leaves), strict=True)
    return _with(prefix, {id(tensor): replacement for tensor, replacement in given})


class _Border(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, before: list[torch.Tensor], *leaves: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.before = before
        return tuple(leaf.detach() for leaf in leaves)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> tuple[None, ...]:
        pairs = zip(ctx.before, gradients, strict=True)
        reached = [(tensor, gradient) for tensor, gradient in pairs if gradient is not None]
        del ctx.before
        torch.autograd.backward([tensor for tensor, _ in reached], [gradient for _, gradient in reached])
        return None, *(None for _ in gradients)


def _tensors(prefix: Prefix) -> list[torch.Tensor]:
    """All that has a gradient."""
    found = [prefix.last_hidden]
    layers: list[Any] = prefix.cache.layers
    for layer in layers:
        if isinstance(layer, ForkableLinearLayer):
            states = [*layer.conv_states.values(), *layer.recurrent_states.values()]
            found += [state for state in states if state is not None]
        else:
            found += [layer.keys, layer.values]
    return found


def _with(prefix: Prefix, replaced: dict[int, torch.Tensor]) -> Prefix:
    """The prefix with other tensors in the place of those of these ids."""

    def of(tensor: torch.Tensor | None) -> Any:
        return replaced.get(id(tensor), tensor)

    layers: list[Any] = [copy.copy(layer) for layer in prefix.cache.layers]
    for layer in layers:
        if isinstance(layer, ForkableLinearLayer):
            layer.conv_states = {place: of(state) for place, state in layer.conv_states.items()}
            layer.recurrent_states = {place: of(state) for place, state in layer.recurrent_states.items()}
        else:
            layer.keys, layer.values = of(layer.keys), of(layer.values)
    cache = copy.copy(prefix.cache)
    cache.layers = layers
    return replace(prefix, cache=cache, last_hidden=of(prefix.last_hidden))
