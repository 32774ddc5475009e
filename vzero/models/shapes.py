"""Shapes of public models, by the names of their folders, so that nothing has to be downloaded for a plan.

From their `config.json`, without the heads for predicting several tokens. The tower of Qwen3.5-27B is taken
to be the 9B's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoConfig, Qwen2_5_VLConfig, Qwen3_5Config, Qwen3VLConfig

from vzero.errors import ModelError
from vzero.models.loading import PLAIN_FAMILIES, SHARING_FAMILIES

TINY_TOWER = {"depth": 12, "hidden_size": 768, "intermediate_size": 3072, "num_heads": 12}
SMALL_TOWER = {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_heads": 16}
LARGE_TOWER = {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "num_heads": 16}
WIDTHS = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
)
QWEN3_5 = {
    "0.8B": ((1024, 3584, 24, 8, 2), 16, True, TINY_TOWER),
    "2B": ((2048, 6144, 24, 8, 2), 16, True, SMALL_TOWER),
    "4B": ((2560, 9216, 32, 16, 4), 32, True, SMALL_TOWER),
    "9B": ((4096, 12288, 32, 16, 4), 32, False, LARGE_TOWER),
    "27B": ((5120, 17408, 64, 24, 4), 48, False, LARGE_TOWER),
}
"""`WIDTHS`, value heads of linear attention, whether embeddings are tied, the vision tower."""
QWEN3_VL = {
    "2B": ((2048, 6144, 28, 16, 8), True, SMALL_TOWER, [5, 11, 17]),
    "4B": ((2560, 9728, 36, 32, 8), True, SMALL_TOWER, [5, 11, 17]),
    "8B": ((4096, 12288, 36, 32, 8), False, LARGE_TOWER, [8, 16, 24]),
    "32B": ((5120, 25600, 64, 64, 8), False, LARGE_TOWER, [8, 16, 24]),
}
QWEN2_5_VL = {
    "3B": ((2048, 11008, 36, 16, 2), True, 151_936, 3420),
    "7B": ((3584, 18944, 28, 28, 4), False, 152_064, 3420),
    "32B": ((5120, 27648, 64, 40, 8), False, 152_064, 3456),
    "72B": ((8192, 29568, 80, 64, 8), False, 152_064, 3456),
}


def config_of(folder: Path) -> Any:
    """The config of a model's folder; where there is none yet, that of the public model of this name.

    Raises ModelError for a name that is not known, or a family that is not supported.
    """
    if (folder / "config.json").is_file():
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        allowed = SHARING_FAMILIES + PLAIN_FAMILIES
        if config.model_type not in allowed:
            raise ModelError(
                f"{folder}: model type {config.model_type!r} is not supported; allowed: {', '.join(allowed)}"
            )
        return config
    known = public_models()
    name = folder.name.removesuffix("-Instruct").removesuffix("-Thinking")
    if name not in known:
        raise ModelError(
            f"{folder}: no config.json there, and no public model of this name; known: {', '.join(known)}"
        )
    return known[name]()


def public_models() -> dict[str, Any]:
    """What makes the config of each, by name."""
    three_five = {f"Qwen3.5-{size}": lambda size=size: _qwen3_5(*QWEN3_5[size]) for size in QWEN3_5}
    three = {f"Qwen3-VL-{size}": lambda size=size: _qwen3_vl(*QWEN3_VL[size]) for size in QWEN3_VL}
    two = {f"Qwen2.5-VL-{size}": lambda size=size: _qwen2_5_vl(*QWEN2_5_VL[size]) for size in QWEN2_5_VL}
    return three_five | three | two


def _qwen3_5(widths: tuple[int, ...], value_heads: int, tied: bool, tower: dict[str, int]) -> Qwen3_5Config:
    rope = {
        "rope_type": "default",
        "rope_theta": 10_000_000,
        "partial_rotary_factor": 0.25,
        "mrope_interleaved": True,
        "mrope_section": [11, 11, 10],
    }
    text = dict(zip(WIDTHS, widths, strict=True)) | {
        "vocab_size": 248_320,
        "head_dim": 256,
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 128,
        "linear_value_head_dim": 128,
        "linear_num_key_heads": 16,
        "linear_num_value_heads": value_heads,
        "rope_parameters": rope,
        "max_position_embeddings": 262_144,
        "tie_word_embeddings": tied,
    }
    vision: dict[str, Any] = tower | {"out_hidden_size": widths[0]}
    vision |= {"num_position_embeddings": 2304, "patch_size": 16}
    ids: dict[str, Any] = {"image_token_id": 248_056, "video_token_id": 248_057}
    ids |= {"vision_start_token_id": 248_053, "vision_end_token_id": 248_054}
    return Qwen3_5Config(text_config=text, vision_config=vision, tie_word_embeddings=tied, **ids)


def _qwen3_vl(widths: tuple[int, ...], tied: bool, tower: dict[str, int], taps: list[int]) -> Qwen3VLConfig:
    rope = {"rope_type": "default", "rope_theta": 5_000_000, "mrope_section": [24, 20, 20]}
    text = dict(zip(WIDTHS, widths, strict=True)) | {
        "vocab_size": 151_936,
        "head_dim": 128,
        "rope_parameters": rope | {"mrope_interleaved": True},
        "max_position_embeddings": 262_144,
        "tie_word_embeddings": tied,
    }
    vision: dict[str, Any] = tower | {"out_hidden_size": widths[0]}
    vision |= {"num_position_embeddings": 2304, "patch_size": 16, "deepstack_visual_indexes": taps}
    return Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=tied)


def _qwen2_5_vl(widths: tuple[int, ...], tied: bool, vocabulary: int, inner: int) -> Qwen2_5_VLConfig:
    rope = {"rope_type": "default", "rope_theta": 1_000_000, "mrope_section": [16, 24, 24]}
    text = dict(zip(WIDTHS, widths, strict=True)) | {
        "vocab_size": vocabulary,
        "rope_parameters": rope,
        "max_position_embeddings": 128_000,
        "tie_word_embeddings": tied,
    }
    vision = {"depth": 32, "hidden_size": 1280, "intermediate_size": inner, "num_heads": 16}
    vision |= {"out_hidden_size": widths[0], "patch_size": 14, "window_size": 112}
    vision |= {"fullatt_block_indexes": [7, 15, 23, 31]}
    return Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=tied)
