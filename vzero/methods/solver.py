"""The Solver of self-play (arXiv 2601.10094): GRPO on the labels that votes gave to written questions."""

from __future__ import annotations

from collections.abc import Sequence

from vzero.answers.extraction import lettered
from vzero.config.methods.solver import Settings
from vzero.methods.base import Answers, Credit, Method, Sample, Task
from vzero.prompts.views import FULL
from vzero.voting.voters import read_letter


class Solver(Method[Settings]):
    """Sees the whole image, whatever the label was read off."""

    @property
    def roles(self) -> frozenset[str]:
        return frozenset({FULL})

    def tasks(self, samples: Sequence[Sample]) -> list[Task]:
        return [Task(sample, asked=sample.view(FULL), learnt=sample.view(FULL)) for sample in samples]

    def credit(self, answers: Answers) -> Credit:
        asked = [task.sample for task in answers.tasks for _ in range(answers.group)]
        earned = [
            float(read_letter(rollout.text, lettered(sample.options), self.settings.words) == sample.answer)
            for rollout, sample in zip(answers.rollouts, asked, strict=True)
        ]
        return Credit.rewarded(answers, earned, self.settings.advantage)
