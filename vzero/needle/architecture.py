"""Tiny models in the real `qwen3_5` architecture: vision tower, hybrid attention, own tokenizer.

Only the sizes are ours; classes, processor and file layout are those of the real models, so the folders load
like any other Hugging Face folder.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessorPil,
    Qwen3_5Config,
    Qwen3_5ForConditionalGeneration,
)

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
VOCABULARY = 512
PATCH = 8  # pixels; one visual token is 16 x 16 pixels after merging
INITIAL_RANGE = 0.06  # about 1 / sqrt(width); the real models' 0.02 starves layers this narrow
MAX_SIDE = 144  # pixels a side before images are scaled down
POSITION_LOUDNESS = 2.0  # amplitude of the waves that the learned positions start from
POSITIONS = 16  # learned positions a side, interpolated to each image

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "<|im_start|>{{ message.role }}"
    "{%- if message.content is string -%}{{ message.content }}"
    "{%- else -%}{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>"
    "{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "<|im_end|>"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|im_start|>assistant{%- endif -%}"
)


@dataclass(frozen=True)
class TinySize:
    """Widths and depths; one full-attention layer follows every linear one."""

    hidden: int = 128
    layers: int = 4
    vision_hidden: int = 96
    vision_depth: int = 4


STUDENT = TinySize()
TEACHER = TinySize(layers=6)


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE of `VOCABULARY` tokens: any text can be encoded, and decodes exactly."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=[
            token for token in SPECIAL_TOKENS if token not in ("<|im_end|>", "<|endoftext|>")
        ],
        chat_template=CHAT_TEMPLATE,
    )


def image_processor(max_side: int = MAX_SIDE) -> Qwen2VLImageProcessorPil:
    token_side = PATCH * 2
    return Qwen2VLImageProcessorPil(
        patch_size=PATCH,
        size={"shortest_edge": token_side**2, "longest_edge": max_side**2},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )


def build_model(size: TinySize, tokenizer: PreTrainedTokenizerFast) -> Qwen3_5ForConditionalGeneration:
    """A randomly initialised model; seed torch before calling."""
    number = tokenizer.get_vocab()
    model = Qwen3_5ForConditionalGeneration(
        Qwen3_5Config(
            text_config=_text_config(size, number),
            vision_config=_vision_config(size),
            image_token_id=number["<|image_pad|>"],
            video_token_id=number["<|video_pad|>"],
            vision_start_token_id=number["<|vision_start|>"],
            vision_end_token_id=number["<|vision_end|>"],
            tie_word_embeddings=True,
        )
    )
    for layer in model.model.language_model.layers:
        if layer.block_type == "linear_attention":
            # The library's start forgets within a few tokens; these models must remember a whole image.
            torch.nn.init.uniform_(layer.linear_attn.A_log, math.log(0.002), math.log(0.5))
    with torch.no_grad():
        model.model.visual.pos_embed.weight.copy_(_positions(size.vision_hidden))
    return model


def _text_config(size: TinySize, number: Mapping[str, int]) -> dict[str, Any]:
    head = 32
    return {
        "vocab_size": len(number),
        "hidden_size": size.hidden,
        "intermediate_size": size.hidden * 3,
        "num_hidden_layers": size.layers,
        "layer_types": ["linear_attention", "full_attention"] * (size.layers // 2),
        "num_attention_heads": size.hidden // head,
        "num_key_value_heads": size.hidden // head // 2,
        "head_dim": head,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 32,
        "linear_value_head_dim": 32,
        "max_position_embeddings": 4096,
        "initializer_range": INITIAL_RANGE,
        "tie_word_embeddings": True,
        "eos_token_id": number["<|im_end|>"],
        "pad_token_id": number["<|endoftext|>"],
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10_000.0,
            "partial_rotary_factor": 0.5,
            "mrope_section": [4, 2, 2],
            "mrope_interleaved": True,
        },
    }


def _vision_config(size: TinySize) -> dict[str, Any]:
    return {
        "depth": size.vision_depth,
        "initializer_range": INITIAL_RANGE,
        "hidden_size": size.vision_hidden,
        "intermediate_size": size.vision_hidden * 3,
        "num_heads": 4,
        "patch_size": PATCH,
        "out_hidden_size": size.hidden,
        "num_position_embeddings": POSITIONS**2,
    }


def _positions(width: int) -> torch.Tensor:
    """Waves along both axes, as loud as the patches: random starts stay unheard beside what is drawn there.

    Shape (POSITIONS ** 2, width), row after row.
    """
    along = torch.arange(POSITIONS) / POSITIONS
    frequencies = torch.pi / 2 * torch.arange(1, width // 4 + 1)
    angles = along[:, None] * frequencies
    axis = POSITION_LOUDNESS * torch.cat([angles.sin(), angles.cos()], dim=1)
    rows = axis[:, None].expand(-1, POSITIONS, -1)
    columns = axis[None].expand(POSITIONS, -1, -1)
    return torch.cat([rows, columns], dim=-1).flatten(0, 1)


def save(
    folder: Path,
    model: Qwen3_5ForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    max_side: int = MAX_SIDE,
) -> None:
    """Write a Hugging Face folder: config, safetensors, tokenizer, image processor, chat template."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    image_processor(max_side).save_pretrained(folder)
