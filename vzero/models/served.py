"""A model's weights as a server reads them: safetensors by the names of its Hugging Face folder, all untied.

vLLM keeps an output layer of its own of a model whose output layer is its embedding. Weights read anew from
such a model's folder, which does not name it, leave the output layer as it was: answers then fit neither the
old weights nor the new (0.32: 9 nats off), told by its log alone. Of a folder that names both, all is read.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers.core_model_loading import revert_weight_conversion

from vzero.models.loading import LoadedModel
from vzero.models.saving import CONFIG, weight_files

TIED = "tie_word_embeddings"
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
    named: dict[str, torch.Tensor] = dict(model.network.named_parameters(remove_duplicate=False))
    if any("lora_" in name for name in named):
        # PEFT takes a while to import, which only runs with adapters have to wait for.
        from vzero.models.adapters import merged_weights

        named = dict(merged_weights(model, dtype))
    # What tells names apart may look at all of them together; values are only moved one file at a time.
    named = revert_weight_conversion(model.network, named)
    files: list[dict[str, torch.Tensor]] = [{}]
    for name, weight in named.items():
        if sum(each.numel() * dtype.itemsize for each in files[-1].values()) >= FILE_BYTES:
            files.append({})
        files[-1][name] = weight
    for number, weights in enumerate(files, 1):
        held = {name: weight.to("cpu", dtype, copy=True).contiguous() for name, weight in weights.items()}
        path = folder / f"model-{number:05d}-of-{len(files):05d}.safetensors"
        save_file(held, path, {"format": "pt"})
        path.chmod(0o644)  # a server may be another user's


def _shapes(folder: Path) -> dict[str, list[int]]:
    shapes = {}
    for file in weight_files(folder):
        with safe_open(folder / file, "pt") as opened:
            shapes |= {name: opened.get_slice(name).get_shape() for name in opened.keys()}  # noqa: SIM118
    return shapes
