"""The step's answers: a group for every prompt, from whichever model the recipe lets write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vzero.config import Train
from vzero.models.encoding import prompt_tokens, visual_tokens
from vzero.models.loading import LoadedModel
from vzero.prompts.messages import Prompt, student_prompt, teacher_prompt
from vzero.rollout.generate import Rollout, Sampling, generate
from vzero.train.batches import TrainingSample
from vzero.train.packing import pack


def student_prompts(model: LoadedModel, samples: Sequence[TrainingSample]) -> list[Prompt]:
    prompts = [student_prompt(model, s.image, s.question, s.options) for s in samples]
    return _named(prompts, samples)


def positive_prompts(model: LoadedModel, samples: Sequence[TrainingSample]) -> list[Prompt]:
    prompts = [teacher_prompt(model, s.image, s.positive, s.question, s.options) for s in samples]
    return _named(prompts, samples)


def _named(prompts: Sequence[Prompt], samples: Sequence[TrainingSample]) -> list[Prompt]:
    return [replace(prompt, row=s.sample_id) for prompt, s in zip(prompts, samples, strict=True)]


def prompt_lengths(
    model: LoadedModel, samples: Sequence[TrainingSample], prompts: Sequence[Prompt]
) -> list[int]:
    """Tokens of each sample's prompt, with or without the crop."""
    lengths = []
    for sample, prompt in zip(samples, prompts, strict=True):
        shown = [sample.extent, sample.crop_extent][: len(prompt.images)]
        visual = sum(visual_tokens(model, *extent) for extent in shown)
        lengths.append(prompt_tokens(model, prompt.text, visual))
    return lengths


def sample_answers(
    model: LoadedModel,
    samples: Sequence[TrainingSample],
    prompts: Sequence[Prompt],
    train: Train,
    *,
    step: int,
    logprob_temperature: float,
) -> list[Rollout]:
    """`train.group` answers to every prompt, siblings beside each other, in the prompts' order."""
    lengths = [n + train.group * train.max_new_tokens for n in prompt_lengths(model, samples, prompts)]
    sampling = Sampling(train.temperature, train.max_new_tokens, logprob_temperature=logprob_temperature)
    groups: dict[int, list[Rollout]] = {}
    for part in pack(lengths, train.micro_tokens):
        chosen = [prompts[index] for index in part]
        answers = generate(model, chosen, sampling, group=train.group, seed=train.seed * 1_000_003 + step)
        groups.update(zip(part, answers, strict=True))
    return [rollout for index in range(len(prompts)) for rollout in groups[index]]
