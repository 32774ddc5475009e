"""Supervised fine-tuning: the teacher answers with the right crop in view, the student learns it without."""

from __future__ import annotations

from collections.abc import Sequence

from vzero.config.methods.sft import Settings
from vzero.methods.base import Answers, Credit, Method, Sample, Task
from vzero.prompts.views import FULL, POSITIVE


class Sft(Method[Settings]):
    @property
    def roles(self) -> frozenset[str]:
        return frozenset({FULL, POSITIVE})

    def tasks(self, samples: Sequence[Sample]) -> list[Task]:
        return [Task(sample, asked=sample.view(POSITIVE), learnt=sample.view(FULL)) for sample in samples]

    def credit(self, answers: Answers) -> Credit:
        return Credit.uniform(answers)
