"""A trained model is written as the folder it came from: other values in the weights, all else as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import FAMILIES, save_tiny

from vzero.config import Models
from vzero.errors import ModelError
from vzero.models.adapters import add_adapters, merge_adapters
from vzero.models.loading import LoadedModel, load_model
from vzero.models.saving import save_like, weight_files

WEIGHTS = "model.safetensors"
SHARDS = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
CARRIED = [
    "video_preprocessor_config.json",
    "processor_config.json",
    "chat_template.json",
    "vocab.json",
    "modeling_custom.py",
    "additional_chat_templates/tools.jinja",
    "LICENSE",
]
LEFT_BEHIND = [
    "README.md",
    "pytorch_model.bin",
    "original/consolidated.pth",
    ".gitattributes",
    ".cache/huggingface/x",
]


def rewrite(folder: Path, change) -> Path:
    """Other tensors in a folder's only file of weights."""
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS, {"format": "pt"})
    return folder


def mixed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """bfloat16, norms in float32, as some families are published; and a head that the model does not use."""
    cast = {key: value if "norm" in key else value.bfloat16() for key, value in tensors.items()}
    return cast | {"mtp.head.weight": torch.ones(2, 3, dtype=torch.bfloat16)}


def split(folder: Path) -> None:
    """Two files and their index, as large models are published."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = sorted(tensors)
    for file, part in zip(SHARDS, (names[::2], names[1::2]), strict=True):
        save_file({name: tensors[name] for name in part}, folder / file, {"format": "pt"})
    places = {name: SHARDS[number % 2] for number, name in enumerate(names)}
    total = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))


def trained(folder: Path) -> LoadedModel:
    """The folder's model with every weight moved, by more than bfloat16 can tell and less."""
    student = load_model(folder, Models(), device="cpu", trainable=True)
    with torch.no_grad():
        for parameter in student.network.parameters():
            parameter.mul_(1.25).add_(1e-5)
    return student


def saved(source: Path, student: LoadedModel, precision: Literal["source", "fp32"] = "source") -> Path:
    target = source.with_name("saved")
    target.mkdir()
    save_like(student, source, target, precision=precision)
    return target


def tensors_of(folder: Path) -> dict[str, torch.Tensor]:
    return {key: value for file in weight_files(folder) for key, value in load_file(folder / file).items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_each_tensor_keeps_its_name_place_and_dtype(tmp_path: Path, family: str):
    source = rewrite(save_tiny(tmp_path / "source", family), mixed)
    split(source)
    target = saved(source, trained(source))
    before, after = tensors_of(source), tensors_of(target)
    for file in SHARDS:
        assert load_file(target / file).keys() == load_file(source / file).keys()
    for name, tensor in before.items():
        moved = tensor if name.startswith("mtp.") else (tensor.float() * 1.25 + 1e-5).to(tensor.dtype)
        assert after[name].dtype == tensor.dtype, name
        assert torch.equal(after[name], moved), name
    for name in ("config.json", f"{WEIGHTS}.index.json"):
        assert json.loads((target / name).read_text()) == json.loads((source / name).read_text())


def test_what_serving_needs_comes_along_and_what_stands_for_other_weights_does_not(tmp_path: Path):
    source = save_tiny(tmp_path / "source")
    for name in CARRIED + LEFT_BEHIND:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(f'{{"of": "{name}"}}')
    target = saved(source, trained(source))
    files, there = (
        {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        for folder in (target, source)
    )
    assert files == there - set(LEFT_BEHIND)
    for name in files - {WEIGHTS}:
        assert (target / name).read_bytes() == (source / name).read_bytes(), name


def test_fp32_keeps_what_was_trained_and_says_so(tmp_path: Path):
    source = rewrite(save_tiny(tmp_path / "source"), mixed)
    split(source)
    config = json.loads((source / "config.json").read_text())
    config["dtype"] = config["text_config"]["dtype"] = "bfloat16"
    (source / "config.json").write_text(json.dumps(config))
    student = trained(source)
    target = saved(source, student, "fp32")
    assert {tensor.dtype for tensor in tensors_of(target).values()} == {torch.float32}
    again = load_model(target, Models(), device="cpu", trainable=True)
    for one, other in zip(student.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, other)
    written = json.loads((target / "config.json").read_text())
    assert written["dtype"] == written["text_config"]["dtype"] == "float32"
    total = json.loads((target / f"{WEIGHTS}.index.json").read_text())["metadata"]["total_size"]
    assert total == sum(tensor.nbytes for tensor in tensors_of(target).values())


def test_tied_weights_that_the_source_has_twice_are_moved_twice(tmp_path: Path):
    embeddings = "model.language_model.embed_tokens.weight"
    source = rewrite(
        save_tiny(tmp_path / "source"),
        lambda tensors: tensors | {"lm_head.weight": tensors[embeddings].clone()},
    )
    after = tensors_of(saved(source, trained(source)))
    assert torch.equal(after["lm_head.weight"], after[embeddings])
    assert not torch.equal(after["lm_head.weight"], load_file(source / WEIGHTS)[embeddings])


def test_merged_adapters_leave_an_ordinary_folder(tmp_path: Path):
    source = save_tiny(tmp_path / "source")
    student = load_model(source, Models(), device="cpu", trainable=True)
    add_adapters(student, rank=2, alpha=4)
    with torch.no_grad():
        for name, parameter in student.network.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.01)
    merge_adapters(student)
    after = tensors_of(saved(source, student))
    before = tensors_of(source)
    assert after.keys() == before.keys()
    moved = {name for name in before if not torch.equal(after[name], before[name])}
    assert moved and all("language_model" in name for name in moved)


def test_weights_that_cannot_take_trained_values_are_refused(tmp_path: Path):
    source = rewrite(
        save_tiny(tmp_path / "source"),
        lambda tensors: {name: tensor.to(torch.float8_e4m3fn) for name, tensor in tensors.items()},
    )
    with pytest.raises(ModelError, match=r"is F8_E4M3; a student's weights must be F64, F32, F16, BF16"):
        weight_files(source)
    (source / WEIGHTS).rename(source / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"no model\.safetensors; a student's weights must be safetensors"):
        weight_files(source)
