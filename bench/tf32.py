"""What TF32 (`models.tf32`) does to log-probs of answers: computed here, where no card has it.

TF32 keeps 10 bits of a factor's mantissa and adds up in float32. Here the bits are cut off, which errs at
least as far as rounding them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from bench.engine import settings
from bench.measurements import Measurement
from vzero.rollout.replay import replay
from vzero.rollout.responses import sampled_logprobs

DROPPED = 13  # of float32's 23 bits
VOCABULARY, WIDTH = 248_320, 2560  # of Qwen3.5-4B
TOKENS = 64
SPREAD = 3.0  # standard deviation of made-up logits: a token's probability is up to some tenths


def measure() -> Iterator[Measurement]:
    """The largest and the mean difference, for the embedded world's student and for made-up weights of 4B's
    read-out."""
    with torch.no_grad():
        yield from _differences("embedded world's student", *_of_needle())
        yield from _differences("read-out of 4B's shape, made up", *_made_up())


def tf32(tensor: torch.Tensor) -> torch.Tensor:
    """Float32 numbers without the bits that TF32 drops."""
    return (tensor.view(torch.int32) >> DROPPED << DROPPED).view(torch.float32)


def _of_needle() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    setting = settings.needle()
    hidden = replay(setting.student, setting.student_prompts, setting.token_ids, setting.mask)
    network: Any = setting.student.network
    weight = network.lm_head.weight
    said = setting.mask.bool()
    return hidden[said], weight[: setting.student.vocabulary], setting.token_ids[said]


def _made_up() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Tokens are drawn by the logits themselves."""
    torch.manual_seed(0)
    hidden = torch.randn(TOKENS, WIDTH)
    return hidden, torch.randn(VOCABULARY, WIDTH) * (SPREAD / WIDTH**0.5), None


def _differences(
    variant: str, hidden: torch.Tensor, weight: torch.Tensor, token_ids: torch.Tensor | None
) -> Iterator[Measurement]:
    exact = hidden @ weight.T
    if token_ids is None:
        token_ids = torch.multinomial(exact.softmax(dim=-1), 1).squeeze(1)
    short = tf32(hidden.contiguous()) @ tf32(weight.contiguous()).T
    difference = (sampled_logprobs(short, token_ids) - sampled_logprobs(exact, token_ids)).abs()
    yield Measurement("tf32", variant, "largest difference", float(difference.max()), "nats")
    yield Measurement("tf32", variant, "mean difference", float(difference.mean()), "nats")
