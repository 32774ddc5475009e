"""Models of a true shape on tensors without values, and prompts of a given length.

Weights and pixels are fake, and whatever comes of them; token ids and masks are real, so that all that the
engine decides by them goes its way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoModelForImageTextToText
from transformers.initialization import no_init_weights

from vzero.models.behind_prefix import attend_behind_prefixes
from vzero.models.linear_attention import adapt_linear_attention
from vzero.models.loading import DTYPES, LoadedModel
from vzero.models.pixels import Made, Pixels
from vzero.models.prompt import Prompt
from vzero.prompts.views import Picture

Precision = Literal["fp32", "bf16"]
TEXT = 0  # the token that texts are made of; no image's
LONGEST_STRIP = 2  # the most that a made-up image is wider than high


@dataclass(frozen=True)
class Vocabulary:
    """What of a tokenizer a pass asks for: how many tokens there are, and which ones end an answer."""

    size: int
    eos_token_id: int = 1
    pad_token_id: int = 1

    def __len__(self) -> int:
        return self.size

    def decode(self, ids: Sequence[int], **how: Any) -> str:
        """Nobody reads it."""
        return ""


class PlainModel(LoadedModel):
    """One whose every row encodes its whole prompt, as trainers do that share nothing."""

    @property
    def shares_prefixes(self) -> bool:
        return False


@cache
def _mode() -> FakeTensorMode:
    """One for all, since tensors of two modes do not mix."""
    return FakeTensorMode(allow_non_fake_inputs=True)


def fake_model(
    config: Any,
    *,
    trainable: bool,
    precision: Precision,
    naive: bool,
    lora: tuple[int, int] | None = None,
) -> LoadedModel:
    """As a run loads it. `naive`: one that shares no prefixes; `lora`: rank and alpha of its adapters."""
    with _mode(), no_init_weights():
        network = AutoModelForImageTextToText.from_config(config, dtype=weights_of(precision, trainable))
        network.tie_weights()
    _let_places_be_real(network)
    model = without_tokenizer(network, trainable=trainable, precision=precision, naive=naive)
    if lora is not None:
        from vzero.models.adapters import add_adapters

        with _mode():
            add_adapters(model, rank=lora[0], alpha=lora[1])
    return model


def weights_of(precision: Precision, trainable: bool) -> torch.dtype:
    """What a run keeps weights in."""
    return torch.float32 if trainable else DTYPES[precision]


def without_tokenizer(
    network: Any, *, trainable: bool, precision: Precision, naive: bool = False
) -> LoadedModel:
    """A network as the engine runs it, with as many tokens as it can tell apart."""
    network.eval().requires_grad_(trainable)
    adapt_linear_attention(network)
    attend_behind_prefixes(network)
    compute = DTYPES[precision]
    autocast = compute if trainable and compute is not torch.float32 else None
    vocabulary = Vocabulary(network.config.get_text_config().vocab_size)
    return (PlainModel if naive else LoadedModel)(network, vocabulary, None, False, autocast)


def _let_places_be_real(network: Any) -> None:
    """Where the images stand decides shapes; some families make a fake mask of it."""
    asked: dict[str, torch.Tensor] = {}

    def note(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        asked["images"] = kwargs["input_ids"] == network.config.image_token_id

    def replace(module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]] | None:
        if kwargs.get("visual_pos_masks") is None:
            return None
        return args, kwargs | {"visual_pos_masks": asked["images"]}

    network.model.register_forward_pre_hook(note, with_kwargs=True)
    network.model.language_model.register_forward_pre_hook(replace, with_kwargs=True)


def fake_zeros(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    with _mode():
        return torch.zeros(*shape, dtype=dtype)


@dataclass(frozen=True)
class Shown:
    """How long a prompt is, in tokens."""

    pictures: tuple[int, ...]
    """Of each picture."""
    text: int

    @property
    def length(self) -> int:
        return sum(self.pictures) + self.text


def fake_prompt(
    model: LoadedModel, shown: Shown, name: str, zeros: Callable[..., torch.Tensor] = fake_zeros
) -> Prompt:
    """Pictures, the first one before all, and then the text. Prompts differ from their second picture on.

    `zeros` makes the pixels, of a shape.
    """
    pictures = [
        Picture("image" if place == 0 else f"{name} {place}", 1, tokens, f"{place and name}{place}".encode())
        for place, tokens in enumerate(shown.pictures)
    ]
    ids = [token for tokens in shown.pictures for token in [*[model.image_token] * tokens, TEXT]]
    ids += [TEXT] * (shown.text - len(pictures))
    pixels = [Pixels(partial(_grey, model, tokens, zeros)) for tokens in shown.pictures]
    head = shown.pictures[0] if shown.pictures else len(ids)
    return Prompt(tuple(ids), tuple(pictures), tuple(pixels), name, text=name, head=head)


def _grey(model: LoadedModel, tokens: int, zeros: Callable[..., torch.Tensor]) -> Made:
    vision: Any = model.network.config.vision_config
    merge = vision.spatial_merge_size
    high, wide = (side * merge for side in sides_of(tokens))
    channels = getattr(vision, "in_channels", None) or getattr(vision, "in_chans", 3)
    values = channels * vision.temporal_patch_size * vision.patch_size**2
    return zeros(high * wide, values), np.array([[1, high, wide]])


def sides_of(tokens: int) -> tuple[int, int]:
    """Height and width, in tokens, of an image of so many, as square as it can be."""
    high = next(side for side in range(int(tokens**0.5), 0, -1) if tokens % side == 0)
    return high, tokens // high


def image_tokens(most: int) -> int:
    """The most tokens, up to `most`, of an image that is no strip."""
    return next(
        tokens for tokens in range(most, 0, -1) if sides_of(tokens)[1] <= LONGEST_STRIP * sides_of(tokens)[0]
    )


def answers(rows: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask (rows, tokens) of answers that are all as long."""
    ids = torch.full((rows, tokens), TEXT)
    return ids, torch.ones_like(ids)
