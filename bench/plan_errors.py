"""How far `vzero plan` is from the engine: what it tells of few layers, beside the passes on all of them.

At the shapes of Qwen3.5-4B, which learns, and 27B, which scores two views of its answers; no weights. And
what the plan tells of a token in 32 slots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from bench.measurements import Measurement
from vzero.plan import passes
from vzero.plan.fake import Shown
from vzero.plan.passes import Pass, Subject
from vzero.plan.tracing import Stages, folded
from vzero.train.memory import size_of

IMAGE, TEXT, CROP, NOTICE = 3900, 72, 256, 14  # tokens
ANSWERS, TOKENS = 8, 512
MEASURES = ("flops", "bytes", "kernels", "peak")


def measure() -> Iterator[Measurement]:
    student = Subject(Path("Qwen3.5-4B"), "bf16", True, naive=False, recomputes=True)
    teacher = Subject(Path("Qwen3.5-27B"), "bf16", False, naive=False)
    asked = Pass(((Shown((IMAGE,), TEXT),),), ANSWERS, TOKENS)
    seen = Pass(((Shown((IMAGE, CROP), TEXT + NOTICE),) * 2,), ANSWERS, TOKENS)
    learning, scoring = passes.learning.__wrapped__, passes.scoring.__wrapped__
    yield from _errors("update, 4B", lambda: learning(student, asked), 16 * size_of(student.folder).all)
    yield from _decode(student)
    yield from _errors("two views, 27B", lambda: scoring(teacher, seen), 2 * size_of(teacher.folder).all)


def _decode(student: Subject) -> Iterator[Measurement]:
    """A token of each of 32 answers of up to 2,048, on average."""
    asked = Pass(((Shown((IMAGE,), TEXT),),) * 4, ANSWERS, 2048)
    counts = passes.decoding(student, asked)["decode"] * (1 / (asked.tokens - 1))
    yield Measurement("decode_32_rows", "slots, 4B", "kernels", counts.kernels, "")
    yield Measurement("decode_32_rows", "slots, 4B", "bytes", counts.bytes / 1e9, "GB")
    yield Measurement("decode_32_rows", "slots, 4B", "syncs", counts.syncs, "")


def _errors(variant: str, work: Callable[[], Stages], resident: int) -> Iterator[Measurement]:
    """The largest of a pass's stages; of the peak with the bytes that lie there all the time."""
    told = work()
    whole = mock.patch.object(passes, "extrapolated", lambda config, trace: folded(trace(config)))
    with whole, mock.patch.object(passes, "remember_rule", lambda *_: None):
        counted = work()
    for name in MEASURES:
        there = resident if name == "peak" else 0
        worst = max(
            abs((there + getattr(told[stage], name)) / (there + true) - 1) * 100
            for stage, counts in counted.items()
            if (true := getattr(counts, name))
        )
        yield Measurement("plan_error", variant, name, worst, "%")
