"""Write a trained model as the folder it came from: other values in the weights, all else as it was.

The copy has the source's files, tensors and dtypes, so whatever served the source serves the copy: tokenizer
and processors in the form they came, templates, code, settings of generation. Not what stands for other
weights: formats that nobody here trained, and the model card.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers.core_model_loading import revert_weight_conversion

from vzero.errors import ModelError
from vzero.models.hashing import CARD
from vzero.models.loading import LoadedModel
from vzero.shards import write_json

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
WHOLE = "model.safetensors"
TRAINABLE = ("F64", "F32", "F16", "BF16")  # what values can be put back into as they are
LEFT_OUT = ("safetensors", "bin", "pt", "pth", "ckpt", "gguf", "onnx", "h5", "msgpack")  # endings: weights
LEFT_OUT_NAMES = (CARD, INDEX, "pytorch_model.bin.index.json")
DTYPE_KEYS = ("dtype", "torch_dtype")  # what configs call it, now and before


def weight_files(folder: Path) -> list[str]:
    """Names of the files that hold a model's weights.

    Raises ModelError when trained weights cannot be written so.
    """
    index = folder / INDEX
    names = [WHOLE]
    if index.is_file():
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    for name in names:
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: no {name}; a student's weights must be safetensors")
        with safe_open(folder / name, "pt") as file:
            for key in file.keys():  # noqa: SIM118
                dtype = file.get_slice(key).get_dtype()
                if dtype not in TRAINABLE:
                    allowed = ", ".join(TRAINABLE)
                    raise ModelError(f"{folder}: {key} is {dtype}; a student's weights must be {allowed}")
    return names


def save_like(
    student: LoadedModel, source: Path, target: Path, *, precision: Literal["source", "fp32"]
) -> None:
    """Write the student, which was loaded from `source` and is on the CPU, into the empty folder `target`.

    Tensors there that the model does not use, such as heads for speculative decoding, stay as they are.
    """
    trained = _named_as_saved(student, source)
    sizes = 0
    for name in weight_files(source):
        with safe_open(source / name, "pt") as file:
            tensors: dict[str, torch.Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = file.metadata()
        for key, before in tensors.items():
            dtype = torch.float32 if precision == "fp32" else before.dtype
            # A copy: tied weights that the source has twice may not share their memory in a file.
            tensors[key] = trained.get(key, before).to(dtype, copy=True).contiguous()
        sizes += sum(tensor.nbytes for tensor in tensors.values())
        save_file(tensors, target / name, metadata)
    if (source / INDEX).is_file():
        index = json.loads((source / INDEX).read_text())
        index["metadata"] = index.get("metadata", {}) | {"total_size": sizes}
        write_json(target / INDEX, index)
    _copy_others(source, target)
    if precision == "fp32":
        config = json.loads((source / CONFIG).read_text())
        write_json(target / CONFIG, _in_fp32(config))


def _named_as_saved(student: LoadedModel, source: Path) -> dict[str, torch.Tensor]:
    """The weights by their names in the source's files."""
    trained: dict[str, torch.Tensor] = revert_weight_conversion(
        student.network, dict(student.network.state_dict())
    )
    names = set()
    for file in weight_files(source):
        with safe_open(source / file, "pt") as opened:
            names.update(opened.keys())
    # Tied weights are one tensor under two names, of which files mostly have one.
    held = {tensor.data_ptr() for name, tensor in trained.items() if name in names}
    lost = [name for name, tensor in trained.items() if name not in names and tensor.data_ptr() not in held]
    if lost:
        raise ModelError(f"{source}: the weights there lack {len(lost)} of the model's, such as {lost[0]}")
    return trained


def _copy_others(source: Path, target: Path) -> None:
    """All files but weights; hidden ones are of tools."""
    for path in sorted(source.rglob("*")):
        place = path.relative_to(source)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in place.parts)
        left_out = place.suffix[1:] in LEFT_OUT or str(place) in LEFT_OUT_NAMES
        if path.is_file() and not hidden and not left_out:
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / place)


def _in_fp32(config: Any) -> Any:
    """A config, and those inside it, of weights in float32."""
    if not isinstance(config, dict):
        return config
    return {key: "float32" if key in DTYPE_KEYS else _in_fp32(value) for key, value in config.items()}
