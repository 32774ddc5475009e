"""A rule that was traced once leaves the counts behind that it has when it is traced each time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_models import save_tiny

from vzero.plan import passes, remembered
from vzero.plan.depth import FULL, LINEAR, WHOLE, with_layers
from vzero.plan.fake import Shown, fake_zeros
from vzero.plan.passes import Pass, Subject
from vzero.plan.tracing import Stages, folded

ASKED = Pass(((Shown((9,), 6),),), 2, 70)
SEEN = Pass(((Shown((9, 4), 9), Shown((9, 4), 9)),), 2, 70)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hybrid")
    save_tiny(folder, "qwen3_5")
    return folder


def on_few_layers(config, trace) -> Stages:
    """In the place of `extrapolated`."""
    return folded(trace(with_layers(config, Counter({LINEAR: 2, FULL: 1, WHOLE: 1}))))


@pytest.mark.parametrize(
    ("work", "trained", "precision", "shape"),
    [
        ("prefilling", True, "fp32", ASKED),
        pytest.param("learning", True, "bf16", ASKED, marks=pytest.mark.long),
        pytest.param("scoring", False, "bf16", SEEN, marks=pytest.mark.long),
        pytest.param("learning", True, "fp32", ASKED, marks=pytest.mark.long),
    ],
)
def test_counts_are_those_of_tracing_it_each_time(folder, work, trained, precision, shape, monkeypatch):
    subject = Subject(folder, precision, trained, naive=False)

    monkeypatch.setattr(passes, "extrapolated", on_few_layers)

    def counted() -> Stages:
        return getattr(passes, work).__wrapped__(subject, shape)

    told, again = counted(), counted()
    monkeypatch.setattr(passes, "remember_rule", lambda *_: None)
    true = counted()
    assert told == again
    for stage, counts in true.items():
        assert replace(told[stage], peak=0, held=0) == replace(counts, peak=0, held=0)
        assert told[stage].peak == pytest.approx(counts.peak, rel=0.02)
        assert told[stage].held == pytest.approx(counts.held, rel=0.02)


def test_a_shape_is_traced_once(folder, monkeypatch):
    monkeypatch.setattr(passes, "extrapolated", on_few_layers)
    subject = Subject(folder, "fp32", False, naive=False)
    traced: list[object] = []
    rule = remembered.gated_delta_rule
    monkeypatch.setattr(
        remembered, "gated_delta_rule", lambda **given: traced.append(given["query"].shape) or rule(**given)
    )
    remembered._forward_cost.cache_clear()
    passes.scoring.__wrapped__(subject, SEEN)
    assert len(traced) == len(set(traced)) > 0


def head(*sizes: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    return fake_zeros(*sizes, dtype=dtype)


@pytest.mark.parametrize("continued", [False, True])
def test_a_few_chunks_tell_what_many_cost(continued: bool):
    """Twenty chunks, the last of them half full."""
    given = (*(head(2, 1250, 4, 16) for _ in range(3)), head(2, 1250, 4), head(2, 1250, 4))
    state = head(2, 4, 16, 16, dtype=torch.float32) if continued else None
    for tensor in given:
        tensor.requires_grad_()
    run = remembered._Run.of((*given, state), 64)
    told, true = remembered._forward_cost(run), remembered._measured_forward(run)
    assert told == true
    reached = told.made
    assert remembered._backward_cost(run, reached) == remembered._measured_backward(run, reached)
