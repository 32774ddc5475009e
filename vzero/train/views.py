"""What the frozen teacher says of the answers: with the right crop, and with wrong ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from vzero.config import Train
from vzero.models.loading import LoadedModel
from vzero.prompts.messages import Prompt, teacher_prompt
from vzero.rollout.replay import replay
from vzero.train.batches import TrainingSample
from vzero.train.objective import response_logprobs
from vzero.train.packing import pack
from vzero.train.recipes import Recipe
from vzero.train.sampling import positive_prompts, prompt_lengths


@dataclass(frozen=True)
class TeacherViews:
    """Rows are rollouts, siblings beside each other. `None`: the recipe has no use for it."""

    positive: torch.Tensor  # (rows, tokens), log-probs of the sampled tokens
    negative: torch.Tensor | None  # the same, the mean over a sample's negative views
    positive_hidden: torch.Tensor | None  # (rows, tokens, teacher width)
    negative_hidden: torch.Tensor | None  # of the first negative view


@torch.no_grad()
def teacher_views(
    teacher: LoadedModel,
    samples: Sequence[TrainingSample],
    token_ids: torch.Tensor,
    mask: torch.Tensor,
    train: Train,
    recipe: Recipe,
) -> TeacherViews:
    """Replay answers (rows, tokens) under the positive view and, for the gate, the negative ones.

    Hidden states are large: those of a view are kept only where the recipe's target is made of them.

    All views of a sample go through the model together, so their full image is encoded once. A sample
    without a negative crop counts as one whose views agree.
    """
    group = token_ids.shape[0] // len(samples)
    positive = torch.zeros(token_ids.shape, device=token_ids.device)
    negative = torch.zeros_like(positive) if recipe.gate.enabled else None
    width = teacher.network.config.get_text_config().hidden_size
    kept = [
        torch.zeros(*token_ids.shape, width, dtype=teacher.network.dtype, device=token_ids.device)
        if wanted
        else None
        for wanted in (recipe.needs_distributions, recipe.objective.tilt > 0)
    ]
    for part in pack(_lengths(teacher, samples, mask, recipe), train.micro_tokens):
        for index, hidden, logprobs in _replayed(teacher, samples, part, token_ids, mask, recipe):
            place = slice(index * group, (index + 1) * group), slice(logprobs.shape[-1])
            # The sample's own view stands in for a negative one that it lacks.
            views = (0, min(1, len(logprobs) - 1))
            positive[place] = logprobs[0]
            if negative is not None:
                negative[place] = logprobs[views[1] :].mean(dim=0)
            for states, view in zip(kept, views, strict=True):
                if states is not None:
                    states[place] = hidden[view]
    return TeacherViews(positive, negative, *kept)


def _replayed(
    teacher: LoadedModel,
    samples: Sequence[TrainingSample],
    part: Sequence[int],
    token_ids: torch.Tensor,
    mask: torch.Tensor,
    recipe: Recipe,
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """A part's samples with hidden states (views, group, tokens, width) and log-probs (no width)."""
    group = token_ids.shape[0] // len(samples)
    prompts = [_prompts(teacher, samples[index], recipe) for index in part]
    siblings = torch.arange(group, device=token_ids.device)
    rows = torch.cat(
        [(index * group + siblings).repeat(len(views)) for index, views in zip(part, prompts, strict=True)]
    )
    longest = int(mask[rows].sum(dim=1).max())
    ids, real = token_ids[rows, :longest], mask[rows, :longest]
    hidden = replay(teacher, [prompt for views in prompts for prompt in views], ids, real)
    logprobs = response_logprobs(teacher, hidden, ids, real, recipe.objective.logprob_temperature)
    sizes = [len(views) * group for views in prompts]
    for index, seen, scored in zip(part, hidden.split(sizes), logprobs.split(sizes), strict=True):
        yield index, seen.unflatten(0, (-1, group)), scored.unflatten(0, (-1, group))


def _prompts(teacher: LoadedModel, sample: TrainingSample, recipe: Recipe) -> list[Prompt]:
    """The positive view's prompt, then those of the negative views."""
    image = sample.negative_image or sample.image
    negative = [
        teacher_prompt(teacher, image, crop, sample.question, sample.options)
        for crop in (sample.negatives if recipe.gate.enabled else ())
    ]
    return [*positive_prompts(teacher, [sample]), *(replace(view, row=sample.sample_id) for view in negative)]


def _lengths(
    teacher: LoadedModel, samples: Sequence[TrainingSample], mask: torch.Tensor, recipe: Recipe
) -> list[int]:
    """Tokens of a sample's replay: each view's whole prompt (its attention spans it), and the answers."""
    group = mask.shape[0] // len(samples)
    longest = mask.sum(dim=1).view(len(samples), group).amax(dim=1).tolist()
    prompts = prompt_lengths(teacher, samples, positive_prompts(teacher, samples))
    return [
        (1 + len(sample.negatives) * recipe.gate.enabled) * (tokens + group * answer)
        for sample, tokens, answer in zip(samples, prompts, longest, strict=True)
    ]
