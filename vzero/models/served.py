"""A model's weights as a server reads them: safetensors by the names of its Hugging Face folder, all untied.

vLLM that reads weights anew into a model whose output layer is its embedding ends with neither the old ones
nor the new (0.32: 3.5 nats off), and says so in its log alone. With an output layer of its own, which holds
the embedding's values, reading anew is right; so tied models are served untied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import safe_open
from safetensors.torch import save_file
from transformers.core_model_loading import revert_weight_conversion

from vzero.models.loading import LoadedModel
from vzero.models.saving import CONFIG, copy_others, weight_files
from vzero.shards import write_json

TIED = "tie_word_embeddings"
HEAD, EMBEDDING = "lm_head.weight", "embed_tokens.weight"
FILE_BYTES = 2 << 30  # of weights that are in main memory together


def is_tied(folder: Path) -> bool:
    """Whether the output layer of the model in a folder is its embedding."""
    config = json.loads((folder / CONFIG).read_text())
    return bool(config.get(TIED, config.get("text_config", {}).get(TIED, False)))


def have_one_shape(one: Path, other: Path) -> bool:
    """Whether two folders' weights are of the same names and shapes: a server of one can read the other's."""
    return _shapes(one) == _shapes(other)


@torch.no_grad()
def write_weights(model: LoadedModel, folder: Path) -> None:
    """Write the weights of a loaded model as they are now, in the precision that it computes in.

    Adapters are added to the weights they stand beside. Of a sharded model the weights must be gathered.
    """
    dtype = model.autocast or model.network.dtype
    # What tells names apart may look at all of them together; values are only moved one file at a time.
    named = revert_weight_conversion(model.network, dict(_named(model.network, dtype)))
    files: list[dict[str, torch.Tensor]] = [{}]
    for name, weight in named.items():
        if sum(each.numel() * dtype.itemsize for each in files[-1].values()) >= FILE_BYTES:
            files.append({})
        files[-1][name] = weight
    for number, weights in enumerate(files, 1):
        held = {name: weight.to("cpu", dtype, copy=True).contiguous() for name, weight in weights.items()}
        save_file(held, folder / f"model-{number:05d}-of-{len(files):05d}.safetensors", {"format": "pt"})


def write_servable(source: Path, target: Path) -> None:
    """Copy a model's folder into the empty folder `target`, with an output layer of its own."""
    copy_others(source, target)
    for file in weight_files(source):
        with safe_open(source / file, "pt") as opened:
            weights: dict[str, torch.Tensor] = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        embedding = next((weights[name] for name in weights if name.endswith(EMBEDDING)), None)
        if embedding is not None and is_tied(source):
            weights[HEAD] = embedding.clone()
        save_file(weights, target / file, {"format": "pt"})
    write_json(target / CONFIG, _untied(json.loads((source / CONFIG).read_text())))


def _shapes(folder: Path) -> dict[str, list[int]]:
    shapes = {}
    for file in weight_files(folder):
        with safe_open(folder / file, "pt") as opened:
            shapes |= {name: opened.get_slice(name).get_shape() for name in opened.keys()}  # noqa: SIM118
    return shapes


def _named(network: torch.nn.Module, dtype: torch.dtype) -> Iterator[tuple[str, torch.Tensor]]:
    """Every weight by its name without adapters, tied ones under both of theirs.

    What adapters are added to is another tensor, so it is kept in main memory.
    """
    adapted = {name: layer for name, layer in network.named_modules() if isinstance(layer, BaseTunerLayer)}
    for name, weight in network.named_parameters(remove_duplicate=False):
        beside = next((each for each in adapted if name.startswith(f"{each}.")), None)
        if beside is None:
            yield name, weight
        elif ".base_layer." in name:
            layer: Any = adapted[beside]
            if name.endswith(".weight"):
                deltas = [layer.get_delta_weight(adapter) for adapter in layer.active_adapters]
                weight = sum(deltas, weight).to("cpu", dtype)
            yield name.replace(".base_layer.", "."), weight


def _untied(config: Any) -> Any:
    """A config, and its language model's, whose output layer is its own."""
    parts = {key: _untied(value) for key, value in config.items() if isinstance(value, dict)}
    return config | parts | ({TIED: False} if TIED in config or "text_config" in config else {})
