"""A frozen model that waits in main memory, so that one device holds the model under training as well."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from vzero.models.loading import LoadedModel


def park(model: LoadedModel) -> None:
    """Move a model to main memory, all but its output layer, which losses read in between."""
    for tensor in movable(model):
        tensor.data = tensor.data.to("cpu")


@contextlib.contextmanager
def resident(model: LoadedModel, device: torch.device) -> Iterator[None]:
    """A parked model is on the device within the block, as a copy: frozen weights need not come back."""
    parked = [(tensor, tensor.data) for tensor in movable(model)]
    for tensor, home in parked:
        tensor.data = home.to(device, non_blocking=True)
    try:
        yield
    finally:
        for tensor, home in parked:
            tensor.data = home


def movable(model: LoadedModel) -> list[torch.Tensor]:
    """Every parameter and buffer but the output layer's, which tied embeddings are as well."""
    backbone, output = model.network.model, model.network.lm_head.weight
    return [tensor for tensor in [*backbone.parameters(), *backbone.buffers()] if tensor is not output]
