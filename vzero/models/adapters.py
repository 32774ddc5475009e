"""Low-rank adapters (LoRA, arXiv 2106.09685) on a model's language part, by PEFT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer

from vzero.models.loading import LoadedModel


def add_adapters(model: LoadedModel, *, rank: int, alpha: int) -> None:
    """Put adapters beside every linear layer of the language model; only they stay trainable.

    They begin by adding nothing. The vision tower and the embeddings are left as they are.
    """
    layers = [
        name
        for name, module in model.network.named_modules()
        if "language_model" in name and isinstance(module, torch.nn.Linear)
    ]
    settings = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=layers)
    inject_adapter_in_model(settings, model.network)
    for name, parameter in model.network.named_parameters():
        parameter.requires_grad_("lora_" in name)


@torch.no_grad()
def merge_adapters(model: LoadedModel) -> None:
    """Add the adapters to the weights they stand beside and remove them: an ordinary model again."""
    network: Any = model.network
    for name, module in list(network.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            parent, _, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, module.get_base_layer())


@torch.no_grad()
def merged_weights(model: LoadedModel, dtype: torch.dtype) -> Iterator[tuple[str, torch.Tensor]]:
    """The weights of the ordinary model that `merge_adapters` would make, by name; the model stays as it is.

    Tied ones come under both names. What adapters are added to is another tensor, so it is kept in main
    memory, in the given precision.
    """
    modules = model.network.named_modules()
    adapted: dict[str, Any] = {name: each for name, each in modules if isinstance(each, BaseTunerLayer)}
    for name, weight in model.network.named_parameters(remove_duplicate=False):
        beside = next((each for each in adapted if name.startswith(f"{each}.")), None)
        if beside is None:
            yield name, weight
        elif ".base_layer." in name:
            if name.endswith(".weight"):
                layer = adapted[beside]
                deltas = [layer.get_delta_weight(adapter) for adapter in layer.active_adapters]
                weight = sum(deltas, weight).to("cpu", dtype)
            yield name.replace(".base_layer.", "."), weight
