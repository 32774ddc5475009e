"""The gated delta rule gives the library's numbers to the last bit, without its copies of everything."""

from __future__ import annotations

import pytest
import torch
from transformers.models.qwen3_5.modeling_qwen3_5 import torch_chunk_gated_delta_rule

from vzero.models.gated_delta_rule import gated_delta_rule
from vzero.plan.tracing import Tally

NAMES = ("query", "key", "value", "g", "beta", "initial_state")


def inputs(rows: int, tokens: int, heads: tuple[int, int], *, continued: bool) -> dict[str, torch.Tensor]:
    """Of so many key heads, and so many of values; widths of keys and values differ."""
    torch.manual_seed(0)
    made = {
        "query": torch.randn(rows, tokens, heads[0], 8),
        "key": torch.randn(rows, tokens, heads[0], 8),
        "value": torch.randn(rows, tokens, heads[1], 16),
        "g": -torch.rand(rows, tokens, heads[1]),
        "beta": torch.rand(rows, tokens, heads[1]),
    }
    return made | ({"initial_state": torch.randn(rows, heads[1], 8, 16)} if continued else {})


def by_library(chunk_size: int, given: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    settings = {"output_final_state": True, "use_qk_l2norm_in_kernel": True, "chunk_size": chunk_size}
    return torch_chunk_gated_delta_rule(**given, **settings)


def by_us(chunk_size: int, given: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return gated_delta_rule(**given, chunk_size=chunk_size)


def outcome(rule, chunk_size: int, given: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """What it returns, and the gradients of everything given."""
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
    made = rule(chunk_size, leaves)
    torch.manual_seed(1)
    sum((tensor.float() * torch.randn(tensor.shape)).sum() for tensor in made).backward()
    return [*made, *(leaf.grad for leaf in leaves.values())]


@pytest.mark.parametrize("precision", [None, torch.bfloat16], ids=["fp32", "autocast"])
@pytest.mark.parametrize("continued", [False, True], ids=["from the start", "continued"])
@pytest.mark.parametrize(
    ("rows", "tokens", "heads", "chunk_size"),
    [(2, 200, (2, 4), 64), (3, 64, (4, 4), 64), (1, 3, (2, 2), 4), (2, 2, (1, 3), 2)],
)
def test_outputs_state_and_gradients_are_the_library_s(rows, tokens, heads, chunk_size, continued, precision):
    given = inputs(rows, tokens, heads, continued=continued)
    with torch.autocast("cpu", dtype=precision, enabled=precision is not None):
        ours, theirs = (outcome(rule, chunk_size, given) for rule in (by_us, by_library))
    assert all(torch.equal(our, their) for our, their in zip(ours, theirs, strict=True))


def moved(rule, tokens: int) -> int:
    """Bytes, there and back."""
    with Tally() as tally:
        outcome(rule, 64, inputs(1, tokens, (2, 2), continued=True))
    return tally.bytes


def test_what_is_moved_grows_with_the_length_and_not_with_its_square():
    assert moved(by_us, 8192) < 2.05 * moved(by_us, 4096)
    assert moved(by_library, 8192) > 3 * moved(by_library, 4096)
