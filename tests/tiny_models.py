"""Tiny random models of every supported family, saved as the Hugging Face folders that users have."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3_5MoeConfig,
    Qwen3_5MoeForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLMoeConfig,
    Qwen3VLMoeForConditionalGeneration,
)

from vzero.needle import architecture
from vzero.prompts.views import CHOOSE, CROP_NOTICE

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
TOWER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_heads": 2,
    "patch_size": architecture.PATCH,
    "out_hidden_size": 64,
    "num_position_embeddings": 256,
}
ROPE = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]}
FAMILIES = ("qwen3_5", "qwen3_vl", "qwen2_5_vl")
PLAIN = ("qwen2_vl", "qwen3_vl_moe", "qwen3_5_moe")
EXPERTS = {
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 48,
    "shared_expert_intermediate_size": 48,
}

# Added tokens as Qwen publishes them, of all supported families together.
SPECIAL_TOKENS = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
    "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>", "<|audio_start|>", "<|audio_end|>", "<tts_pad>",
    "<tts_text_bos>", "<tts_text_eod>", "<tts_text_bos_single>", "<|audio_pad|>",
]  # fmt: skip
# Those whose `special` is false, which no option of the tokenizer tells from words.
OTHER_TOKENS = [
    "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
    "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>",
]  # fmt: skip
# What the published templates do: trim, look into the words for a tool's reply, close an empty thought.
QWEN_TEMPLATE = """\
{%- macro said(content) -%}
{%- if content is string -%}{{ content }}
{%- else -%}{%- for part in content -%}
{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>
{%- else -%}{{ part.text }}{%- endif -%}
{%- endfor -%}{%- endif -%}
{%- endmacro -%}
{%- set asked = namespace(any=false) -%}
{%- for message in messages -%}
{%- set content = said(message.content) | trim -%}
{%- if message.role == 'user' and not content.startswith('<tool_response>') -%}
{%- set asked.any = true -%}
{%- endif -%}
{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if not asked.any -%}{{ raise_exception('No user query found in messages.') }}{%- endif -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n<think>\\n\\n</think>\\n\\n' }}{%- endif -%}
"""
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def tokenizer(texts: list[str] | None = None) -> PreTrainedTokenizerFast:
    return architecture.train_tokenizer((texts or TEXTS) * 20)


def qwen_tokenizer() -> PreTrainedTokenizerFast:
    """A small vocabulary in Qwen's form: its normalizer, its splitting, its added tokens and template."""
    words = Tokenizer(models.BPE())
    words.normalizer = normalizers.NFC()
    words.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    # Its own tokens' letters are among the texts, so that merges make pieces of them too.
    trainer = trainers.BpeTrainer(vocab_size=512, initial_alphabet=alphabet, show_progress=False)
    words.train_from_iterator((TEXTS + SPECIAL_TOKENS + OTHER_TOKENS) * 20, trainer)
    words.add_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
    words.add_tokens([AddedToken(token, special=False, normalized=False) for token in OTHER_TOKENS])
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=QWEN_TEMPLATE,
    )


def save_tiny(
    folder: Path,
    family: str = "qwen3_5",
    *,
    seed: int = 0,
    texts: list[str] | None = None,
    words: PreTrainedTokenizerFast | None = None,
    layers: int = 4,
) -> Path:
    """Write a random model of a family; all of them share patch size, tokenizer and image processor.

    `texts` is what the tokenizer is trained on, unless `words` is one that is there already. `layers` is the
    depth of a `qwen3_5` model, in which both kinds of attention take turns.
    """
    torch.manual_seed(seed)
    words = words or tokenizer(texts)
    builders = {
        "qwen3_5": partial(_qwen3_5, layers=layers),
        "qwen3_vl": _qwen3_vl,
        "qwen2_5_vl": _qwen2_5_vl,
        "qwen2_vl": _qwen2_vl,
        "qwen3_vl_moe": _qwen3_vl_moe,
        "qwen3_5_moe": _qwen3_5_moe,
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
    return Qwen3VLForConditionalGeneration(Qwen3VLConfig(**_qwen3_vl_settings(words)))


def _qwen3_vl_moe(words: PreTrainedTokenizerFast):
    return Qwen3VLMoeForConditionalGeneration(Qwen3VLMoeConfig(**_qwen3_vl_settings(words, **EXPERTS)))


def _qwen3_vl_settings(words: PreTrainedTokenizerFast, **text) -> dict:
    return {
        "text_config": TEXT
        | {
            "vocab_size": len(words),
            "head_dim": 16,
            "rope_parameters": ROPE | {"mrope_interleaved": True},
            **text,
        },
        "vision_config": TOWER | {"depth": 2, "deepstack_visual_indexes": [0]},
        "tie_word_embeddings": True,
        **_tokens(words),
    }


def _qwen3_5_moe(words: PreTrainedTokenizerFast):
    """Two heads of linear attention share a key, as in the published models."""
    text = {
        "vocab_size": len(words),
        "head_dim": 16,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 16,
        "linear_value_head_dim": 8,
        "layer_types": ["linear_attention", "full_attention"],
        "rope_parameters": ROPE | {"mrope_section": [1, 1, 0], "partial_rotary_factor": 0.25},
        **EXPERTS,
    }
    config = Qwen3_5MoeConfig(
        text_config=TEXT | text,
        vision_config=TOWER | {"depth": 1},
        tie_word_embeddings=True,
        **_tokens(words),
    )
    return Qwen3_5MoeForConditionalGeneration(config)


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
