"""GRPO (arXiv 2402.03300): right letters are rewarded, rewards compared among siblings. It reads labels."""

from __future__ import annotations

from collections.abc import Sequence

from vzero.config.methods.grpo import Settings
from vzero.methods.base import Answers, Credit, Method, Sample, Task
from vzero.methods.rewards import option_rewards
from vzero.prompts.views import FULL


class Grpo(Method[Settings]):
    @property
    def roles(self) -> frozenset[str]:
        return frozenset({FULL})

    def tasks(self, samples: Sequence[Sample]) -> list[Task]:
        return [Task(sample, asked=sample.view(FULL), learnt=sample.view(FULL)) for sample in samples]

    def credit(self, answers: Answers) -> Credit:
        return Credit.rewarded(answers, option_rewards(answers), self.settings.advantage)
