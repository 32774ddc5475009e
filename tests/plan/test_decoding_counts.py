"""What a token costs in slots, counted at the shapes of Qwen3.5-4B: kernels, bytes, waits, memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vzero.models.encoding import encode
from vzero.plan import passes
from vzero.plan.depth import fewest, with_layers
from vzero.plan.fake import Shown, fake_prompt
from vzero.plan.passes import Pass, Subject
from vzero.plan.tracing import Counts, Functions, Tally
from vzero.rollout.decoding import Decoding
from vzero.rollout.delta_rule import WINDOW
from vzero.rollout.prefix import begin, computing
from vzero.rollout.sampling import Sampling

STUDENT = Subject(Path("Qwen3.5-4B"), "bf16", True, naive=False)
ASKED = Pass(((Shown((3900,), 72),),) * 4, 8, 2048)


@pytest.fixture(scope="module")
def decode() -> Counts:
    """All further tokens of 32 answers of 2,048 to prompts of 3,972."""
    return passes.decoding(STUDENT, ASKED)["decode"]


def test_a_step_of_32_rows_launches_few_kernels_and_moves_few_bytes(decode: Counts):
    """Before there were slots, 2,985 kernels, and 45 GB for eight rows."""
    steps = ASKED.tokens - 1
    assert 1_000 < decode.kernels / steps <= 1_400
    # The weights alone, in bf16, and the read-out's in fp32, are 9.7 GB.
    assert 10e9 < decode.bytes / steps <= 20e9


def test_who_has_ended_is_asked_once_in_sixteen_steps(decode: Counts):
    assert decode.syncs / (ASKED.tokens - 1) == 1 / 16


def test_all_kernels_but_those_between_windows_are_of_graphs(decode: Counts):
    assert 0.98 * decode.kernels < decode.graphed < decode.kernels


@torch.no_grad()
def test_a_step_allocates_as_much_behind_100_tokens_as_behind_2000():
    model = STUDENT.load(with_layers(STUDENT.config, fewest(STUDENT.config)))
    prefix = begin(model, encode(model, [fake_prompt(model, Shown((), 2), "short")]))
    tally, peaks = Tally(), []
    with tally, Functions(tally), computing(model):
        answers = Decoding(model, Sampling(1.0, 2048), np.zeros((4, 2048)), slots=4, columns=2100)
        answers.put(prefix, [0] * 4, range(4))
        answers.step()
        for span in (100, 2000):
            answers.span = span
            before, tally.peaks = tally.live, {}
            answers.step()
            peaks.append(tally.peaks[""] - before)
    assert peaks[0] == peaks[1] > 0


@torch.no_grad()
def test_memory_of_slots_is_known_beforehand():
    """Keys and values of every column, and the states of linear attention, a slot each."""
    config = with_layers(STUDENT.config, fewest(STUDENT.config))
    model = STUDENT.load(config)
    text = config.get_text_config()
    prefix = begin(model, encode(model, [fake_prompt(model, Shown((), 2), "short")]))
    tally = Tally()
    with tally, computing(model):
        answers = Decoding(model, Sampling(1.0, 64), np.zeros((4, 64)), slots=4, columns=128)
        before = tally.live
        answers.put(prefix, [0] * 4, range(4))
        slots = answers.slots
    assert slots is not None
    held = sum(tensor.numel() * tensor.element_size() for each in slots.layers for tensor in each.tensors)
    kinds = text.layer_types
    attention = 2 * 2 * text.num_key_value_heads * text.head_dim * 128
    width = 2 * text.linear_num_key_heads * text.linear_key_head_dim
    width += text.linear_num_value_heads * text.linear_value_head_dim
    key, value = text.linear_key_head_dim, text.linear_value_head_dim
    state = text.linear_num_value_heads * (key * value + WINDOW * (key + value) + WINDOW + 1)
    linear = 2 * width * text.linear_conv_kernel_dim + 4 * state
    each = kinds.count("full_attention") * attention + kinds.count("linear_attention") * linear
    assert held == 4 * each
    assert tally.live - before >= held
