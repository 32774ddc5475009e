"""Weights as servers read them: what is read back says what the model says, tied or not, with adapters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tiny_models import FAMILIES, save_tiny
from transformers import AutoModelForImageTextToText

from vzero.config import Models
from vzero.models import served
from vzero.models.adapters import add_adapters
from vzero.models.loading import LoadedModel, load_model
from vzero.models.served import have_one_shape, is_tied, write_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tied"), layers=2)


def untied(folder: Path, target: Path) -> Path:
    """The same model with an output layer of its own, of other values."""
    network = AutoModelForImageTextToText.from_pretrained(folder)
    network.config.tie_word_embeddings = network.config.text_config.tie_word_embeddings = False
    network.lm_head.weight = torch.nn.Parameter(network.lm_head.weight.detach() * 0.5)
    network.save_pretrained(target)
    for path in folder.glob("*token*"):
        (target / path.name).write_bytes(path.read_bytes())
    for name in ("preprocessor_config.json", "chat_template.jinja"):
        (target / name).write_bytes((folder / name).read_bytes())
    return target


def read_into(model: LoadedModel, folder: Path) -> None:
    """As a server does: by name, and every weight of its own."""
    read = {name: weight for path in folder.glob("*.safetensors") for name, weight in load_file(path).items()}
    with torch.no_grad():
        for name, weight in model.network.named_parameters(remove_duplicate=False):
            weight.copy_(read.pop(name))
    assert not read


def said(model: LoadedModel) -> torch.Tensor:
    with torch.no_grad():
        return model.network(input_ids=torch.arange(20, 40)[None]).logits


def trained(folder: Path, precision: str = "fp32") -> LoadedModel:
    """With weights that are not those of its folder."""
    model = load_model(folder, Models(precision=precision), trainable=True)
    with torch.no_grad():
        for number, weight in enumerate(model.network.parameters()):
            weight.add_(0.01 * torch.randn(weight.shape, generator=torch.manual_seed(number)))
    return model


@pytest.mark.parametrize("tied", [True, False])
def test_what_is_read_back_says_what_the_model_says(tied: bool, folder: Path, tmp_path: Path):
    source = folder if tied else untied(folder, tmp_path / "untied")
    model, other = trained(source), load_model(source, Models())
    (tmp_path / "written").mkdir()
    write_weights(model, tmp_path / "written")
    assert is_tied(source) is tied
    assert not torch.equal(said(other), said(model))
    read_into(other, tmp_path / "written")
    assert torch.equal(said(other), said(model))


@pytest.mark.parametrize("family", FAMILIES[1:])
def test_names_are_those_of_the_folder_with_an_output_layer_beside_them(family: str, tmp_path: Path):
    source = save_tiny(tmp_path / family, family)
    write_weights(load_model(source, Models()), tmp_path)
    with safe_open(source / "model.safetensors", "pt") as file:
        named = set(file.keys())
    assert set(load_file(tmp_path / "model-00001-of-00001.safetensors")) == named | {"lm_head.weight"}


def test_weights_are_written_in_the_precision_of_the_computation_a_bounded_part_at_a_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(served, "FILE_BYTES", 50_000)
    model = trained(folder, "bf16")
    write_weights(model, tmp_path)
    files = sorted(tmp_path.glob("*.safetensors"))
    assert files[0].name == f"model-00001-of-{len(files):05d}.safetensors" and len(files) > 2
    written = {name: weight for path in files for name, weight in load_file(path).items()}
    for name, weight in model.network.named_parameters(remove_duplicate=False):
        assert torch.equal(written[name], weight.to(torch.bfloat16))


def test_adapters_are_added_to_the_weights_they_stand_beside(folder: Path, tmp_path: Path):
    model = load_model(folder, Models(), trainable=True)
    add_adapters(model, rank=2, alpha=4)
    with torch.no_grad():
        for name, weight in model.network.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1, generator=torch.manual_seed(0))
    write_weights(model, tmp_path)
    plain = load_model(folder, Models())
    assert not torch.allclose(said(plain), said(model), atol=1e-2)
    read_into(plain, tmp_path)
    torch.testing.assert_close(said(plain), said(model), atol=1e-5, rtol=1e-5)


def test_models_have_one_shape_if_their_weights_have(folder: Path, tmp_path: Path):
    assert have_one_shape(folder, save_tiny(tmp_path / "same", seed=3, layers=2))
    assert not have_one_shape(folder, save_tiny(tmp_path / "deeper", layers=4))


def test_whether_a_model_is_tied_stands_in_its_config(tmp_path: Path):
    for config, expected in (
        ({"tie_word_embeddings": True}, True),
        ({"text_config": {"tie_word_embeddings": True}}, True),
        ({"tie_word_embeddings": False, "text_config": {"tie_word_embeddings": True}}, False),
        ({}, False),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert is_tied(tmp_path) is expected
