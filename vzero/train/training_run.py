"""What stays the same from a training run's first step to its last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vzero.config import Train
from vzero.config.rollout import MISMATCH
from vzero.methods import method_of
from vzero.methods.base import Method
from vzero.models.loading import LoadedModel
from vzero.rollout.generate import Bounds
from vzero.rollout.sampler import Decoder, Sampler
from vzero.train.lockstep import is_sliced


@dataclass(frozen=True)
class TrainingRun:
    """Which model learns, from whom, and how. The student's weights are what a run changes."""

    student: LoadedModel
    teacher: LoadedModel | None
    """None where the method has no use for one."""
    reference: LoadedModel | None
    """The student as it was at the start; None where the loss has no term for it."""
    train: Train
    method: Method[Any]
    sampler: Sampler
    """Answers the tasks, for the writer."""
    voter: Sampler | None = None
    """Answers what the method asks about the answers: the frozen model, where it votes."""
    max_mismatch: float = MISMATCH["bf16"]
    """How far the log-probs of a sampler that is not exact may be from ours, nats a token."""
    max_ratio: float = 2.0
    """Bound on the ratio of our probability of a token to such a sampler's."""

    @property
    def writer(self) -> LoadedModel:
        """Whose answers they are: the student, or the teacher where the method lets it write."""
        if self.method.settings.teacher != "writes":
            return self.student
        assert self.teacher is not None
        return self.teacher

    @property
    def offloaded(self) -> list[LoadedModel]:
        """Frozen models that are in main memory while they have nothing to do; not those of which each
        process has but a slice."""
        if not self.train.teacher.offload:
            return []
        frozen = [self.teacher] if self.reference is self.teacher else [self.teacher, self.reference]
        return [model for model in frozen if model is not None and not is_sliced(model)]


def training_run(
    student: LoadedModel,
    teacher: LoadedModel | None,
    train: Train,
    reference: LoadedModel | None = None,
    method: Method[Any] | None = None,
) -> TrainingRun:
    """A run of the method that `train` asks for, or of `method`, with answers decoded in this process."""
    part = train.method.teacher
    writer = teacher if part == "writes" and teacher is not None else student
    bounds = Bounds(train.micro_tokens, train.decode_tokens)
    sampler = Decoder(writer, bounds)
    voter = None if part != "votes" or teacher is None else Decoder(teacher, bounds)
    return TrainingRun(student, teacher, reference, train, method or method_of(train.method), sampler, voter)
