"""Hugging Face folders load by path; what cannot be distilled is refused with the reason."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from tiny_models import FAMILIES, TEXTS, save_tiny

from vzero.config import ConfigError, Models
from vzero.models.loading import check_pair, load_model


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_loads_by_path(tmp_path, family):
    save_tiny(tmp_path / "model", family)
    frozen = load_model(tmp_path / "model", Models())
    assert frozen.network.config.model_type == family
    assert not any(p.requires_grad for p in frozen.network.parameters())
    assert not set(frozen.end_tokens) & set(frozen.banned_tokens)
    assert frozen.image_token in frozen.banned_tokens


@pytest.mark.parametrize("student", FAMILIES)
@pytest.mark.parametrize("teacher", FAMILIES)
def test_families_that_share_a_vocabulary_make_a_pair(tmp_path, student, teacher):
    folders = [save_tiny(tmp_path / name, family) for name, family in (("s", student), ("t", teacher))]
    check_pair(*(load_model(folder, Models()) for folder in folders))


def test_precision_and_pixel_bounds_come_from_params(tmp_path):
    folder = save_tiny(tmp_path / "model")
    models = Models(precision="bf16", min_pixels=1024, max_pixels=4096)
    teacher = load_model(folder, models)
    assert teacher.network.dtype == torch.bfloat16
    assert teacher.autocast is None
    assert dict(teacher.image_processor.size) == {"shortest_edge": 1024, "longest_edge": 4096}
    student = load_model(folder, models, trainable=True)
    assert student.network.dtype == torch.float32
    assert student.autocast == torch.bfloat16


def test_different_vocabularies_are_refused(tmp_path):
    student = load_model(save_tiny(tmp_path / "s"), Models())
    other = save_tiny(tmp_path / "t", texts=[*TEXTS, "a wholly different set of words, zebra zebra"])
    with pytest.raises(ConfigError, match=r"different vocabularies: .* differ"):
        check_pair(student, load_model(other, Models()))


def test_different_image_tokens_are_refused(tmp_path):
    student = load_model(save_tiny(tmp_path / "s"), Models())
    folder = save_tiny(tmp_path / "t")
    config = json.loads((folder / "config.json").read_text())
    config["image_token_id"], config["video_token_id"] = config["video_token_id"], config["image_token_id"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="different image tokens"):
        check_pair(student, load_model(folder, Models()))


def test_folders_that_are_no_models_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"no config\.json"):
        load_model(tmp_path, Models())
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ConfigError, match="'bert' is not supported; allowed: qwen3_5"):
        load_model(tmp_path, Models())
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_model(tmp_path, Models())


def test_a_tokenizer_without_a_chat_template_is_refused(tmp_path):
    folder = save_tiny(tmp_path / "model")
    template = folder / "chat_template.jinja"
    kept = tmp_path / "template"
    shutil.move(template, kept)
    with pytest.raises(ConfigError, match="no chat template"):
        load_model(folder, Models())
