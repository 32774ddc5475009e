"""Hugging Face folders load by path; what cannot be distilled is refused with the reason."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from tiny_models import FAMILIES, TEXTS, save_tiny

from vzero.config import Models
from vzero.errors import ConfigError, ModelError
from vzero.models.loading import check_pair, load_model, load_processors


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


# The folder's own bounds are 256 and 20,736; a visual token shows 16 x 16 pixels.
@pytest.mark.parametrize(
    ("bounds", "names"),
    [
        (
            {"max_pixels": 255},
            [r"models.max_pixels (255)", "size.shortest_edge of the image processor", "(256)"],
        ),
        (
            {"min_pixels": 20_737},
            ["size.longest_edge of the image processor", "(20736)", "models.min_pixels (20737)"],
        ),
        ({"min_pixels": 100, "max_pixels": 250}, ["models.max_pixels (250)", "16 x 16 pixels"]),
    ],
)
def test_bounds_that_contradict_the_folder_are_errors_that_name_both(tmp_path, bounds, names):
    folder = save_tiny(tmp_path / "model", layers=2)
    with pytest.raises(ConfigError) as caught:
        load_processors(folder, Models(**bounds))
    for name in [*names, str(folder)]:
        assert name in str(caught.value)


@pytest.mark.parametrize("bounds", [{"max_pixels": 256}, {"min_pixels": 20_736}, {"min_pixels": 300}])
def test_bounds_that_agree_with_the_folder_are_kept(tmp_path, bounds):
    processor = load_processors(save_tiny(tmp_path / "model", layers=2), Models(**bounds)).image_processor
    low, high = bounds.get("min_pixels", 256), bounds.get("max_pixels", 20_736)
    assert dict(processor.size) == {"shortest_edge": low, "longest_edge": high}


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"size": {"shortest_edge": 512, "longest_edge": 400}}, ConfigError, r"\(400\) must not be below"),
        ({"size": {"shortest_edge": 0, "longest_edge": 400}}, ConfigError, "both at least 1"),
        ({"do_resize": False}, ModelError, "do_resize of its image processor is false"),
    ],
)
def test_a_folder_that_contradicts_itself_is_refused(tmp_path, settings, error, message):
    folder = save_tiny(tmp_path / "model", layers=2)
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))
    with pytest.raises(error, match=message):
        load_processors(folder, Models())


def test_different_vocabularies_are_refused(tmp_path):
    student = load_model(save_tiny(tmp_path / "s"), Models())
    other = save_tiny(tmp_path / "t", texts=[*TEXTS, "a wholly different set of words, zebra zebra"])
    with pytest.raises(ModelError, match=r"different vocabularies: .* differ"):
        check_pair(student, load_model(other, Models()))


def test_different_image_tokens_are_refused(tmp_path):
    student = load_model(save_tiny(tmp_path / "s"), Models())
    folder = save_tiny(tmp_path / "t")
    config = json.loads((folder / "config.json").read_text())
    config["image_token_id"], config["video_token_id"] = config["video_token_id"], config["image_token_id"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="different image tokens"):
        check_pair(student, load_model(folder, Models()))


def test_folders_that_are_no_models_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_model(tmp_path, Models())
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="'bert' is not supported; allowed: qwen3_5"):
        load_model(tmp_path, Models())
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path, Models())


def test_a_tokenizer_without_a_chat_template_is_refused(tmp_path):
    folder = save_tiny(tmp_path / "model")
    template = folder / "chat_template.jinja"
    kept = tmp_path / "template"
    shutil.move(template, kept)
    with pytest.raises(ModelError, match="no chat template"):
        load_model(folder, Models())


def test_layers_that_see_a_window_are_refused(tmp_path):
    """They would forget their prompts where nothing here expects it."""
    save_tiny(tmp_path, "qwen2_5_vl")
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["layer_types"] = ["full_attention", "sliding_attention"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="sliding_attention are not supported; allowed: full_attention"):
        load_model(tmp_path, Models())
