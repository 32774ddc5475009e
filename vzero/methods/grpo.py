"""GRPO (arXiv 2402.03300): right letters are rewarded, rewards compared among siblings. It reads labels."""

from __future__ import annotations

from collections.abc import Sequence

from vzero.answers.extraction import lettered
from vzero.answers.readers.careful import read
from vzero.config.methods.grpo import Settings
from vzero.methods.base import Answers, Credit, Method, Sample, Task
from vzero.prompts.views import FULL


class Grpo(Method[Settings]):
    @property
    def roles(self) -> frozenset[str]:
        return frozenset({FULL})

    def tasks(self, samples: Sequence[Sample]) -> list[Task]:
        return [Task(sample, asked=sample.view(FULL), learnt=sample.view(FULL)) for sample in samples]

    def credit(self, answers: Answers) -> Credit:
        asked = [task.sample for task in answers.tasks for _ in range(answers.group)]
        earned = [
            option_reward(rollout.text, sample.options, sample.answer or "")
            for rollout, sample in zip(answers.rollouts, asked, strict=True)
        ]
        return Credit.rewarded(answers, earned, self.settings.advantage)


def option_reward(text: str, options: Sequence[str], answer: str) -> float:
    """1 when the evaluation's careful reader (reader `vzero`) takes the right letter from the text, else 0.

    `options` are the texts in the order of their letters. What the reader leaves open earns nothing.
    """
    return float(read(text, lettered(options)).letter == answer)
