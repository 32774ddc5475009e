"""What is counted on a few layers is what the engine counts on all of them, for every family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from pathlib import Path

import pytest
from tiny_models import FAMILIES, save_tiny
from transformers import AutoConfig

from vzero.plan import depth, passes
from vzero.plan.fake import Shown
from vzero.plan.passes import Pass, Subject
from vzero.plan.tracing import Counts, Stages, folded
from vzero.train.memory import size_of

ASKED = (Shown((9,), 6),)
SEEN = (Shown((9, 4), 9), Shown((9, 4), 9))
LAYERS = 6


SLOWER = [pytest.param(family, marks=pytest.mark.long) for family in FAMILIES[1:]]


@pytest.fixture(params=[FAMILIES[0], *SLOWER])
def folder(request, tmp_path: Path) -> Path:
    """A config of several layers of each kind, in the order that true models have them."""
    save_tiny(tmp_path, request.param)
    config = AutoConfig.from_pretrained(tmp_path)
    text, vision = config.get_text_config(), config.vision_config
    text.num_hidden_layers = LAYERS
    if request.param == "qwen3_5":
        text.layer_types = ["linear_attention", "linear_attention", "full_attention"] * 2
    elif getattr(text, "layer_types", None):
        text.layer_types = ["full_attention"] * LAYERS
    vision.depth = LAYERS
    if request.param == "qwen2_5_vl":
        vision.fullatt_block_indexes = [2, 5]
    if request.param == "qwen3_vl":
        vision.deepstack_visual_indexes = [1, 3]
    config.save_pretrained(tmp_path)
    return tmp_path


def whole(config, trace) -> Stages:
    """In the place of `extrapolated`: the engine on all layers."""
    return folded(trace(config))


def told_and_counted(
    work: Callable[[], Stages], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Counts, Counts]]:
    """Each stage's counts from a few layers, and from all of them."""
    told = work()
    monkeypatch.setattr(passes, "extrapolated", whole)
    monkeypatch.setattr(passes, "remember_rule", lambda *_: None)
    counted = work()
    assert told.keys() == counted.keys()
    for stage, counts in told.items():
        yield counts, counted[stage]


def check(told: Counts, counted: Counts, subject: Subject) -> None:
    """All but the peak is told exactly; the peak, with what lies there all the time, within 5 %."""
    assert astuple(replace(told, peak=0)) == pytest.approx(astuple(replace(counted, peak=0)))
    resident = (16 if subject.trained else 2) * size_of(subject.folder).all
    assert resident + told.peak == pytest.approx(resident + counted.peak, rel=0.05)


@pytest.mark.long
def test_a_replay_costs_what_few_layers_tell(folder: Path, monkeypatch: pytest.MonkeyPatch):
    teacher = Subject(folder, "bf16", False, naive=False)
    scoring = passes.scoring.__wrapped__
    for told, counted in told_and_counted(lambda: scoring(teacher, Pass((SEEN,), 2, 5)), monkeypatch):
        check(told, counted, teacher)


def test_tokens_in_slots_cost_what_few_layers_tell(folder: Path, monkeypatch: pytest.MonkeyPatch):
    student = Subject(folder, "bf16", True, naive=False)
    decoding = passes.decoding.__wrapped__
    for told, counted in told_and_counted(lambda: decoding(student, Pass((ASKED,), 2, 5)), monkeypatch):
        check(told, counted, student)


@pytest.mark.long
@pytest.mark.parametrize("naive", [False, True], ids=["shared", "naive"])
@pytest.mark.parametrize("name", ["prefilling", "decoding", "scoring", "own", "learning"])
def test_every_pass_costs_what_few_layers_tell(
    folder: Path, name: str, naive: bool, monkeypatch: pytest.MonkeyPatch
):
    student = Subject(folder, "bf16", True, naive, recomputes=True)
    teacher = Subject(folder, "bf16", False, naive)
    work: dict[str, Callable[[], Stages]] = {
        "prefilling": lambda: passes.prefilling.__wrapped__(student, Pass((ASKED, ASKED), 2, 5)),
        "decoding": lambda: passes.decoding.__wrapped__(student, Pass((ASKED, ASKED), 2, 5)),
        "scoring": lambda: passes.scoring.__wrapped__(teacher, Pass((SEEN,), 2, 5)),
        "own": lambda: passes.scoring.__wrapped__(student, Pass((ASKED,), 2, 5)),
        "learning": lambda: passes.learning.__wrapped__(student, Pass((ASKED,), 2, 5)),
    }
    for told, counted in told_and_counted(work[name], monkeypatch):
        check(told, counted, teacher if name == "scoring" else student)


def test_layers_are_told_apart_by_kind(folder: Path):
    config = AutoConfig.from_pretrained(folder)
    assert sum(depth.kinds_of(config).values()) == 2 * LAYERS
    kinds = depth.fewest(config) + Counter({"full_attention": 1})
    assert depth.kinds_of(depth.with_layers(config, kinds)) == kinds
    assert depth.kinds_of(config) != kinds, "the given config stays as it is"
