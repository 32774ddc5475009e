"""Gated on-policy distillation (arXiv 2606.25319).

The student answers from the full image. The teacher scores each answer beside the right crop and beside a
wrong one, and what the right crop supports more than its siblings gets a higher weight in the divergence from
the teacher. Without the gate there are no wrong crops and every weight is 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import torch
from xxhash import xxh32_intdigest

from vzero.config.methods.gated import Settings
from vzero.methods.base import Answers, Credit, Method, Sample, Target, Task
from vzero.methods.rewards import option_rewards
from vzero.prompts.views import FULL, NEGATIVE, POSITIVE
from vzero.rollout.table import token_logprobs
from vzero.signals.evidence import Evidence, GateConstants, gate, weighed
from vzero.signals.groups import shuffled_in_groups


class Gated(Method[Settings]):
    @property
    def roles(self) -> frozenset[str]:
        wrong = {NEGATIVE} if self.settings.gate.enabled else set()
        return frozenset({FULL, POSITIVE} | wrong)

    @property
    def target(self) -> Target:
        settings = self.settings.target
        if not settings.tilt:
            return Target(POSITIVE)
        return Target(POSITIVE, NEGATIVE, settings.tilt, settings.tilt_clip, settings.adaptive)

    def tasks(self, samples: Sequence[Sample]) -> list[Task]:
        """The question about the full image. Without a wrong crop a sample counts as if its views agreed."""
        tasks = []
        for sample in samples:
            scored = {POSITIVE: sample.views[POSITIVE]}
            if self.settings.gate.enabled:
                scored[NEGATIVE] = sample.views[NEGATIVE] or sample.views[POSITIVE]
            full = sample.view(FULL)
            tasks.append(Task(sample, asked=full, learnt=full, scored=scored))
        return tasks

    def credit(self, answers: Answers) -> Credit:
        constants = self.settings.gate
        if not constants.enabled:
            return Credit.uniform(answers)
        evidence = self._evidence(answers)
        weights = evidence.weights
        if constants.shuffled:
            weights = shuffled_in_groups(weights, answers.group, seeds=_seeds(answers))
        credit = Credit.uniform(answers, evidence_score=evidence.scores, advantage=evidence.advantages)
        return replace(credit, weights=weights)

    def _evidence(self, answers: Answers) -> Evidence:
        controls = {"enabled", "shuffled", "oracle"}
        constants = GateConstants(**self.settings.gate.model_dump(exclude=controls))
        if self.settings.gate.oracle:
            return weighed(
                torch.tensor(option_rewards(answers), device=answers.mask.device), answers.groups, constants
            )
        right, wrong = answers.logprobs[POSITIVE], answers.logprobs[NEGATIVE]
        return gate(right, wrong, answers.mask, answers.groups, constants)

    def figures(self, rollouts: pl.DataFrame) -> Mapping[str, Any]:
        right = token_logprobs(rollouts, "teacher", POSITIVE).to_torch()
        student = token_logprobs(rollouts, "student", FULL).to_torch()
        figures = {"teacher_gap": (student - right).mean().item()}
        if not self.settings.gate.enabled:
            return figures
        delta = right - token_logprobs(rollouts, "teacher", NEGATIVE).to_torch()
        weights, constants = rollouts["weight"], self.settings.gate
        return figures | {
            "evidence_delta": delta.mean().item(),
            "evidence_delta_positive": delta.gt(0).double().mean().item(),
            "weight_zero": (weights <= constants.w_min).mean(),
            "weight_max": (weights >= constants.w_max).mean(),
        }


def _seeds(answers: Answers) -> list[int]:
    """A number for each task that its answers decide: the same whatever process or run they are in."""
    ids = [rollout.token_ids for rollout in answers.rollouts]
    siblings = [ids[start : start + answers.group] for start in range(0, len(ids), answers.group)]
    said = zip(answers.tasks, siblings, strict=True)
    return [xxh32_intdigest(json.dumps([task.sample.sample_id, group]).encode()) for task, group in said]
