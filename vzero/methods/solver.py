"""The Solver of self-play (arXiv 2601.10094): GRPO on the labels that votes gave to written questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from vzero.answers.extraction import lettered
from vzero.config.methods.solver import Settings
from vzero.methods.base import Answers, Credit, Method, Sample, Task
from vzero.prompts.views import FULL
from vzero.signals.groups import group_normalise
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
        rewards = torch.tensor(earned, device=answers.mask.device)
        advantages = group_normalise(rewards, answers.groups, **self.settings.advantage.model_dump())
        weights = torch.tensor([sample.weight for sample in asked], device=answers.mask.device)
        shown = {"reward": rewards, "evidence_score": rewards, "advantage": advantages}
        return replace(Credit.uniform(answers, advantages, **shown), weights=weights)
