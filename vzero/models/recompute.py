"""Gradient checkpointing that works with a cache: layers are computed again in the backward pass.

The library's own drops the cache, and with it the shared prefixes.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from vzero.models.loading import LoadedModel


def recompute_layers(model: LoadedModel) -> None:
    """Keep only the inputs of the language model's and the vision tower's layers for the backward pass."""
    network: Any = model.network
    model.work.recomputes_layers = True
    for index, layer in enumerate(network.model.language_model.layers):
        layer.forward = partial(_cached_layer, layer.forward, index)
    for block in network.model.visual.blocks:
        block.forward = partial(_recomputed, block.forward)


def _recomputed(forward, *args, **kwargs):
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, **kwargs)


def _cached_layer(forward, index: int, *args, past_key_values=None, **kwargs):
    """Run a layer that reads and replaces its entry of the cache.

    Run again, it must find the entry as it was, and leave the cache as it has become since. It keeps no other
    entry: those of other layers, and what this one becomes, are freed with the cache.
    """
    if past_key_values is None or not torch.is_grad_enabled():
        return _recomputed(forward, *args, past_key_values=past_key_values, **kwargs)
    before = _snapshot(past_key_values.layers[index])
    empty = copy.copy(past_key_values)
    empty.layers = [None] * len(past_key_values.layers)
    first = [past_key_values]

    def run(*inputs):
        cache = first.pop() if first else _filled(empty, index, before)
        return forward(*inputs, past_key_values=cache, **kwargs)

    return checkpoint(run, *args, use_reentrant=False)


def _filled(empty, index: int, entry):
    """A cache that holds a snapshot of one layer's entry and nothing else."""
    cache = copy.copy(empty)
    cache.layers = list(empty.layers)
    cache.layers[index] = _snapshot(entry)
    return cache


def _snapshot(layer):
    """A cache entry whose tensors may be replaced without changing the original's.

    They must not be written: with gradients no layer does (`vzero.rollout.prefix.extend`).
    """
    copied = copy.copy(layer)
    for name, value in vars(layer).items():
        if isinstance(value, dict):
            setattr(copied, name, dict(value))
    return copied
