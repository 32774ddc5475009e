"""The trained folder serves as the student's did: plain `transformers`, the full image, no code of ours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from small_project import SETTINGS
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

from vzero.config import Params, parse_params
from vzero.models.hashing import folder_hash
from vzero.paths import Paths
from vzero.shards import content_hash, read
from vzero.stages import evaluate, train
from vzero.tables import BenchmarkItems, Predictions

EMBEDDED = Path(__file__).parents[2] / "vzero/needle/weights"
LETTERS = "ABCDEFGH"
ANSWER_TOKENS = 12


@pytest.fixture(scope="module")
def bf16_student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded student as real ones are published: in bfloat16, with a file for videos."""
    source, folder = EMBEDDED / "student", tmp_path_factory.mktemp("models") / "student"
    folder.mkdir()
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    weights = load_file(folder / "model.safetensors")
    halves = {name: weight.bfloat16() for name, weight in weights.items()}
    save_file(halves, folder / "model.safetensors", {"format": "pt"})
    config = (source / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"dtype": "float32"', '"dtype": "bfloat16"'))
    (folder / "video_preprocessor_config.json").write_text("{}")
    return folder


@pytest.fixture
def params(bf16_student: Path) -> Params:
    models = {"student": str(bf16_student), "teacher": str(EMBEDDED / "teacher")}
    steps = SETTINGS["train"] | {"steps": 1, "prompts": 2}
    evaluated = {"resamples": 100, "max_new_tokens": ANSWER_TOKENS}
    return parse_params(SETTINGS | {"models": models, "train": steps, "evaluate": evaluated})


def test_plain_transformers_answers_as_evaluate_does(params: Params, project: Paths, bf16_student: Path):
    train.run(params, project)
    evaluate.run(params, project, "trained", "search")
    said = read(project.predictions("trained", "search"), Predictions)
    items = read(project.benchmark_items, BenchmarkItems).filter(pl.col("benchmark") == "search")
    replies = answers_of_plain_transformers(project.trained_model, items)
    assert len(replies) > 1
    assert dict(said.select("item", "text").iter_rows()) == replies
    assert set(said["finish_reason"].cast(pl.String)) == {"stop"}
    weights = load_file(project.trained_model / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.bfloat16}
    assert {file.name for file in project.trained_model.iterdir()} == {
        file.name for file in bf16_student.iterdir()
    } | {"README.md"}


def test_the_card_says_what_the_weights_were_made_from(params: Params, project: Paths, bf16_student: Path):
    train.run(params, project)
    card = project.trained_card.read_text()
    weights = folder_hash(project.trained_model)
    assert f"Weights: `{weights}`" in card
    assert f"| base | {bf16_student} | `{content_hash(bf16_student)}` |" in card
    assert f"| teacher | {EMBEDDED / 'teacher'} | `{content_hash(EMBEDDED / 'teacher')}` |" in card
    assert "| gate.alpha | 1.0 |" in card and '| divergence.kind | "k1" |' in card
    assert "| learning_rate | 0.001 |" in card and "checkpoint_every" not in card
    assert "| needle | CC0-1.0 | 10 | 30 |" in card and "Left out" not in card
    assert "embedded world" in card and "No answer label was used." in card
    # What the card says has no part in the answers, nor in what the weights are called.
    project.trained_card.write_text("Another card.")
    assert folder_hash(project.trained_model) == weights


def answers_of_plain_transformers(folder: Path, items: pl.DataFrame) -> dict[str, str]:
    """What a user's own script gets: the full image and the question, greedily, one at a time.

    `AutoProcessor` of these families asks for torchvision, for videos; its two parts do not.
    """
    model: Any = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    processor: Any = AutoImageProcessor.from_pretrained(folder, backend="pil")
    replies = {}
    for row in items.iter_rows(named=True):
        options = [f"{letter}. {text}" for letter, text in zip(LETTERS, row["options"], strict=False)]
        question = [row["question"], *options, "Reason briefly, then answer with the option letter."]
        content = [{"type": "image"}, {"type": "text", "text": "\n".join(question)}]
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        image = Image.open(io.BytesIO(row["image"])).convert("RGB")
        pixels = processor(images=[image], return_tensors="pt")
        places = int(pixels["image_grid_thw"].prod()) // processor.merge_size**2
        encoded = tokenizer(
            prompt.replace("<|image_pad|>", "<|image_pad|>" * places),
            add_special_tokens=False,
            return_tensors="pt",
        )
        shown = (encoded["input_ids"] == model.config.image_token_id).int()
        ids = model.generate(
            input_ids=encoded["input_ids"],
            attention_mask=encoded["attention_mask"],
            mm_token_type_ids=shown,
            do_sample=False,
            max_new_tokens=ANSWER_TOKENS,
            **pixels,
        )
        answer = ids[0, encoded["input_ids"].shape[1] :]
        replies[row["item"]] = tokenizer.decode(answer, skip_special_tokens=True)
    return replies
