"""Load a vision-language model from a Hugging Face folder, and refuse pairs that cannot be distilled."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForImageTextToText,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
)
from transformers.utils import logging

from vzero.config import Models
from vzero.errors import ConfigError, ModelError
from vzero.models.behind_prefix import attend_behind_prefixes
from vzero.models.linear_attention import adapt_linear_attention
from vzero.models.prompt_tokenizer import PromptTokenizer, prompt_tokenizer
from vzero.models.work import Work

# Loading is a matter of seconds here; its bars would break up the stages' own progress.
logging.disable_progress_bar()
if not torch.cuda.is_available():
    # Every load would advise installing kernels that only run on a GPU.
    logging.set_verbosity_error()

SHARING_FAMILIES = ("qwen3_5", "qwen3_vl", "qwen2_5_vl")
"""Families whose prompts are encoded once for all that continues them; tests hold them to plain passes."""
PLAIN_FAMILIES = ("qwen2_vl", "qwen3_vl_moe", "qwen3_5_moe")
"""Families with the same inputs, not known to share prefixes: every row encodes its whole prompt."""
LAYERS = ("full_attention", "linear_attention")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class LoadedModel:
    """A model with everything needed to feed it."""

    network: PreTrainedModel
    tokenizer: Any
    image_processor: Any
    thinking: bool
    autocast: torch.dtype | None  # compute precision, when it differs from the weights'

    @property
    def device(self) -> torch.device:
        return self.network.device

    @cached_property
    def work(self) -> Work:
        """What has been computed with it."""
        return Work(self.network)

    @cached_property
    def vocabulary(self) -> int:
        """Tokens of the tokenizer, which may take long to count them."""
        return len(self.tokenizer)

    @cached_property
    def prompt_tokenizer(self) -> PromptTokenizer:
        return prompt_tokenizer(self.tokenizer)

    @cached_property
    def image_recipe(self) -> str:
        """All that decides what becomes of an image: models with one recipe are shown the same pixels."""
        return json.dumps(self.image_processor.to_dict(), sort_keys=True, default=str)

    @property
    def image_token(self) -> int:
        return int(self.network.config.image_token_id)

    @property
    def end_tokens(self) -> list[int]:
        """Tokens that end an answer: the tokenizer's own first, then every other that the model's generation
        config names, or its config where that names none. Such as the tokenizer lacks are never sampled.
        """
        named = _token_ids(self.network.generation_config.eos_token_id)
        if not named:
            named = _token_ids(GenerationConfig.from_model_config(self.network.config).eos_token_id)
        ids = dict.fromkeys(_token_ids(self.tokenizer.eos_token_id) + named)
        return [token for token in ids if 0 <= token < self.vocabulary]

    @property
    def shares_prefixes(self) -> bool:
        return self.network.config.model_type in SHARING_FAMILIES

    @property
    def has_linear_attention(self) -> bool:
        return "linear_attention" in (
            getattr(self.network.config.get_text_config(), "layer_types", None) or ()
        )

    @property
    def pad_token(self) -> int:
        pad = self.tokenizer.pad_token_id
        return self.end_tokens[0] if pad is None else int(pad)

    @property
    def banned_tokens(self) -> list[int]:
        """Vision tokens: sampled ones would be taken for images when the answer is replayed."""
        config = self.network.config
        names = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
        return sorted({int(value) for name in names if (value := getattr(config, name, None)) is not None})


@dataclass(frozen=True)
class Processors:
    """What turns text and images into a model's tokens, without the model."""

    tokenizer: Any
    image_processor: Any
    image_token: int
    thinking: bool

    @cached_property
    def prompt_tokenizer(self) -> PromptTokenizer:
        return prompt_tokenizer(self.tokenizer)


def load_processors(folder: Path, models: Models, *, section: str = "models") -> Processors:
    """Load tokenizer and image processor of a folder, which needs no weights. Errors as in `load_model`.

    `section` is where in the params the bounds of `models` stand.
    """
    family = _family(folder)
    # The PIL backend needs no torchvision and is the one the models' reference numbers were made with.
    processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True, backend="pil")
    _bound_pixels(processor, models, folder, section)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if not tokenizer.chat_template:
        raise ModelError(f"{folder}: the {family} tokenizer has no chat template")
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    processors = Processors(tokenizer, processor, int(config.image_token_id), models.thinking)
    try:
        _ = processors.prompt_tokenizer
    except ValueError as error:
        raise ModelError(f"{folder}: prompts cannot be written safely with its tokenizer: {error}") from error
    return processors


def load_model(
    folder: Path, models: Models, *, device: str | None = None, trainable: bool = False
) -> LoadedModel:
    """Load a folder with config, safetensors, tokenizer and image processor. Never reaches for a hub.

    A trainable model keeps fp32 weights and computes in `models.precision` by autocast; a frozen one is
    loaded in that precision. `models.tf32` holds for all of the process. Raises ModelError when the folder is
    not a supported model.
    """
    processors = load_processors(folder, models)
    _check_generation_config(folder)
    precision = DTYPES[models.precision]
    torch.backends.cuda.matmul.fp32_precision = "tf32" if models.tf32 else "ieee"
    network = AutoModelForImageTextToText.from_pretrained(
        folder, dtype=torch.float32 if trainable else precision, local_files_only=True
    )
    torch.nn.Module.to(network, torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")))
    if not trainable:
        network.requires_grad_(False)
    network.eval()
    adapt_linear_attention(network)
    attend_behind_prefixes(network)
    model = LoadedModel(
        network=network,
        tokenizer=processors.tokenizer,
        image_processor=processors.image_processor,
        thinking=models.thinking,
        autocast=precision if trainable and precision is not torch.float32 else None,
    )
    if not model.end_tokens:
        raise ModelError(f"{folder}: neither generation_config.json nor the tokenizer names an end token")
    return model


def _family(folder: Path) -> str:
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: not a Hugging Face model folder (no config.json)")
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except (ValueError, json.JSONDecodeError, OSError) as error:
        raise ModelError(f"{folder}: config.json cannot be read: {error}") from error
    family, allowed = config.model_type, SHARING_FAMILIES + PLAIN_FAMILIES
    if family not in allowed:
        raise ModelError(f"{folder}: model type {family!r} is not supported; allowed: {', '.join(allowed)}")
    kinds = set(getattr(config.get_text_config(), "layer_types", None) or ()) - set(LAYERS)
    if kinds:
        raise ModelError(
            f"{folder}: layers of {', '.join(sorted(kinds))} are not supported; allowed: {', '.join(LAYERS)}"
        )
    if family in PLAIN_FAMILIES:
        warnings.warn(
            f"{family}: prompts are encoded anew for every answer: slower, with the same numbers",
            stacklevel=3,
        )
    return family


def _check_generation_config(folder: Path) -> None:
    """The library passes over a file that it cannot read, and answers would not end where it says."""
    path = folder / "generation_config.json"
    if not path.is_file():
        return
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: must be a JSON object")
    ids = content.get("eos_token_id")
    if ids is not None and not all(type(token) is int for token in _token_ids(ids)):
        raise ModelError(f"{path}: eos_token_id must be a token id, a list of them or null, not {ids!r}")


def _token_ids(given: int | list[int] | None) -> list[int]:
    """What a config names: one token, several or none."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _bound_pixels(processor: Any, models: Models, folder: Path, section: str) -> None:
    """The params' bounds in the place of the folder's own.

    Raises ConfigError when no image can keep to both, and ModelError for a processor that does not resize.
    """
    bounds, said = {}, {}
    for name, edge in (("min_pixels", "shortest_edge"), ("max_pixels", "longest_edge")):
        given = getattr(models, name)
        bounds[edge] = processor.size[edge] if given is None else given
        where = f"size.{edge} of the image processor in {folder}" if given is None else f"{section}.{name}"
        said[edge] = f"{where} ({bounds[edge]})"
    low, high = bounds["shortest_edge"], bounds["longest_edge"]
    side = processor.patch_size * processor.merge_size
    if not 0 < low <= high:
        raise ConfigError(
            f"{said['longest_edge']} must not be below {said['shortest_edge']}, and both at least 1: they "
            f"bound the pixels of a resized image; {section}.min_pixels and max_pixels replace the folder's"
        )
    if high < side**2:
        raise ConfigError(
            f"{said['longest_edge']} is less than one visual token of {folder} shows: {side} x {side} pixels"
        )
    if not processor.do_resize:
        raise ModelError(f"{folder}: do_resize of its image processor is false, but images must be resized")
    processor.size = bounds


def check_pair(student: LoadedModel, teacher: LoadedModel) -> None:
    """Raises ModelError for a teacher that cannot score the student's tokens.

    Embedding tables may be padded to different sizes within a family; what counts is that every token of the
    tokenizers means the same, that both see the same image tokens, and that the student stops wherever it
    learns from the teacher to stop. That it also stops elsewhere does no harm.
    """
    ours, theirs = student.tokenizer.get_vocab(), teacher.tokenizer.get_vocab()
    if ours != theirs:
        differing = sorted(
            token for token in ours.keys() | theirs.keys() if ours.get(token) != theirs.get(token)
        )
        raise ModelError(
            f"student and teacher have different vocabularies: {len(ours)} and {len(theirs)} tokens, "
            f"{len(differing)} of them differ (first: {differing[0]!r})"
        )
    if student.image_token != teacher.image_token:
        raise ModelError(
            f"student and teacher use different image tokens: {student.image_token} and {teacher.image_token}"
        )
    if endless := [token for token in teacher.end_tokens if token not in student.end_tokens]:
        names = ", ".join(map(repr, student.tokenizer.convert_ids_to_tokens(endless)))
        raise ModelError(
            f"the teacher ends answers with {names}, at which the student's would run on: "
            f"add {', '.join(map(str, endless))} to eos_token_id in the student's generation_config.json"
        )
