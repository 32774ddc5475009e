"""A frozen model spread over processes, which run it in lockstep: a layer is whole while it computes.

Every run of the language model gathers its layers one after the other, which all processes have to do
together. They differ in how many runs they have, so each run is announced; who has none left runs along on a
single token until nobody has one. The vision tower and the output layer are whole on each: not every run has
an image, and losses read the output layer in between.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from accelerate import Accelerator
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard

from vzero.models.loading import LoadedModel


def shard_frozen(accelerator: Accelerator, model: LoadedModel) -> None:
    """Slice a frozen model's language model over all processes, in place; what is left goes to their devices.

    Loaded in main memory, it is never whole on a device. From then on it has to be run `in_lockstep`.
    """
    network: Any = model.network
    language_model = network.model.language_model
    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    whole = {network.lm_head.weight}
    for unit in [*language_model.layers, language_model]:
        fully_shard(unit, mesh=mesh, reshard_after_forward=True, ignored_params=whole)
    for part in (network.model.visual, network.lm_head):
        part.to(accelerator.device)
    # Before any hook that gathers: what is announced and what is gathered come in the same order everywhere.
    network.model.register_forward_pre_hook(partial(_announce, model))


@contextlib.contextmanager
def in_lockstep(model: LoadedModel) -> Iterator[None]:
    """All processes run the model within the block, each as often as it has to."""
    yield
    if not is_sliced(model):
        return
    network: Any = model.network
    width = network.config.get_text_config().hidden_size
    token = torch.zeros(1, 1, width, dtype=network.lm_head.weight.dtype, device=model.device)
    with torch.no_grad():
        while _announced(model, runs=False):
            network.model.language_model(inputs_embeds=token, use_cache=False)


def is_sliced(model: LoadedModel) -> bool:
    """Whether each process has but a slice of a frozen model."""
    network: Any = model.network
    return isinstance(network.model.language_model, FSDPModule)


def _announce(model: LoadedModel, *_: Any) -> None:
    _announced(model, runs=True)


def _announced(model: LoadedModel, *, runs: bool) -> bool:
    """Say whether this process runs the model now; returns whether any does."""
    running = torch.tensor(int(runs), device=model.device)
    torch.distributed.all_reduce(running)
    return bool(running)
