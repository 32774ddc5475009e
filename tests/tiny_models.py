"""Tiny random models of every supported family, saved as the Hugging Face folders that users have."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

from vzero.models.prompts import CHOOSE, CROP_NOTICE
from vzero.needle import architecture

TEXTS = ["What letter is on the red circle?", "It is K. Answer: B", "user assistant", CHOOSE, CROP_NOTICE]
TEXT = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
    "initializer_range": 0.1,
}
ROPE = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]}
FAMILIES = ("qwen3_5", "qwen3_vl", "qwen2_5_vl")


def tokenizer(texts: list[str] | None = None) -> PreTrainedTokenizerFast:
    return architecture.train_tokenizer((texts or TEXTS) * 20)


def save_tiny(
    folder: Path,
    family: str = "qwen3_5",
    *,
    seed: int = 0,
    texts: list[str] | None = None,
    layers: int = 4,
) -> Path:
    """Write a random model of a family; all of them share patch size, tokenizer and image processor.

    `layers` is the depth of a `qwen3_5` model, in which both kinds of attention take turns.
    """
    torch.manual_seed(seed)
    words = tokenizer(texts)
    builders = {
        "qwen3_5": partial(_qwen3_5, layers=layers),
        "qwen3_vl": _qwen3_vl,
        "qwen2_5_vl": _qwen2_5_vl,
        "qwen2_vl": _qwen2_vl,
    }
    model = builders[family](words)
    with torch.no_grad():
        # Large enough for distributions that differ from token to token.
        model.get_input_embeddings().weight.mul_(3)
    architecture.save(folder, model, words)
    return folder


def _tokens(words: PreTrainedTokenizerFast) -> dict[str, int]:
    names = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    return {name: words.convert_tokens_to_ids(token) for name, token in names.items()}


def _qwen3_5(words: PreTrainedTokenizerFast, layers: int):
    size = architecture.TinySize(hidden=64, layers=layers, vision_hidden=32, vision_depth=1)
    return architecture.build_model(size, words)


def _qwen3_vl(words: PreTrainedTokenizerFast):
    return Qwen3VLForConditionalGeneration(
        Qwen3VLConfig(
            text_config=TEXT
            | {
                "vocab_size": len(words),
                "head_dim": 16,
                "rope_parameters": ROPE | {"mrope_interleaved": True},
            },
            vision_config={
                "depth": 2,
                "hidden_size": 32,
                "intermediate_size": 48,
                "num_heads": 2,
                "patch_size": architecture.PATCH,
                "out_hidden_size": 64,
                "num_position_embeddings": 256,
                "deepstack_visual_indexes": [0],
            },
            tie_word_embeddings=True,
            **_tokens(words),
        )
    )


def _qwen2_5_vl(words: PreTrainedTokenizerFast):
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(
            text_config=TEXT | {"vocab_size": len(words), "rope_parameters": ROPE},
            vision_config={
                "depth": 2,
                "hidden_size": 32,
                "intermediate_size": 48,
                "num_heads": 2,
                "patch_size": architecture.PATCH,
                "out_hidden_size": 64,
                "window_size": 4 * architecture.PATCH,
                "fullatt_block_indexes": [1],
            },
            tie_word_embeddings=True,
            **_tokens(words),
        )
    )


def _qwen2_vl(words: PreTrainedTokenizerFast):
    return Qwen2VLForConditionalGeneration(
        Qwen2VLConfig(
            text_config=TEXT | {"vocab_size": len(words), "rope_parameters": ROPE},
            vision_config={
                "depth": 2,
                "embed_dim": 32,
                "hidden_size": 64,
                "num_heads": 2,
                "mlp_ratio": 2,
                "patch_size": architecture.PATCH,
            },
            tie_word_embeddings=True,
            **_tokens(words),
        )
    )
