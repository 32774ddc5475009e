"""The plan's passes at the shapes of Qwen3.5-4B and 27B, beside the engine on all layers and torch's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from test_depth import check, told_and_counted
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vzero.plan import passes
from vzero.plan.depth import WHOLE, with_layers
from vzero.plan.fake import Shown
from vzero.plan.passes import Pass, Subject

ASKED = (Shown((3900,), 72),)
SEEN = (Shown((3900, 256), 86),) * 2
STUDENT = Subject(Path("Qwen3.5-4B"), "bf16", True, naive=False, recomputes=True)
TEACHER = Subject(Path("Qwen3.5-27B"), "bf16", False, naive=False)

pytestmark = pytest.mark.long


def test_a_pass_of_the_4b_student_that_learns(monkeypatch: pytest.MonkeyPatch):
    work = passes.learning.__wrapped__
    for told, counted in told_and_counted(lambda: work(STUDENT, Pass((ASKED,), 8, 512)), monkeypatch):
        check(told, counted, STUDENT)


def test_a_replay_of_the_27b_teacher_under_two_views(monkeypatch: pytest.MonkeyPatch):
    work = passes.scoring.__wrapped__
    for told, counted in told_and_counted(lambda: work(TEACHER, Pass((SEEN,), 8, 512)), monkeypatch):
        check(told, counted, TEACHER)


@pytest.mark.parametrize("subject", [STUDENT, TEACHER], ids=["4B", "27B"])
def test_flops_are_those_that_torch_counts(subject: Subject, monkeypatch: pytest.MonkeyPatch):
    """On as many layers as there are kinds, in the proportion of the true network."""
    few = Counter({"linear_attention": 3, "full_attention": 1, WHOLE: 3})
    monkeypatch.setattr(passes, "extrapolated", lambda config, trace: trace(with_layers(config, few)))
    seen = (Shown((3900,), 72),)
    shape = Pass((seen,), 4, 256)
    # Only there does torch see attention on a CPU as two products of matrices.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        stages = passes.scoring.__wrapped__(subject, shape)
    assert stages["replay"].flops == pytest.approx(counter.get_total_flops(), rel=0.01)
