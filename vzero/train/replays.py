"""What models say of given answers: the teacher under every view of a task, the student and its reference."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout.packing import pack
from vzero.rollout.replay import replay
from vzero.rollout.responses import response_logprobs

Views = Mapping[str, Sequence[Prompt]]
"""A task's prompts for the teacher, by role."""


@dataclass(frozen=True)
class Replays:
    """What a teacher says of answers under views, by role. Rows are rollouts, siblings beside each other."""

    logprobs: Mapping[str, torch.Tensor]
    """(rows, tokens), of the answers' tokens: the mean over a role's views."""
    hidden: Mapping[str, torch.Tensor]
    """(rows, tokens, width) under a role's first view, of the roles for which they are kept."""


@dataclass(frozen=True)
class GivenAnswers:
    """Answers to be scored, and how."""

    token_ids: torch.Tensor  # (rows, tokens)
    mask: torch.Tensor  # (rows, tokens)
    micro_tokens: int
    """Of a pass, prompts and answers with their padding."""
    temperature: float
    """What logits are divided by."""


@torch.no_grad()
def replay_views(
    teacher: LoadedModel, views: Sequence[Views], given: GivenAnswers, *, kept: Collection[str]
) -> Replays:
    """Replay answers under all views of their tasks; `views` has an entry a task.

    Hidden states are large: those of a role are kept only where it is in `kept`. All views of a task go
    through the model together, so their full image is encoded once, and equal ones are one.
    """
    token_ids = given.token_ids
    group = token_ids.shape[0] // len(views)
    width = teacher.network.config.get_text_config().hidden_size
    logprobs = {role: torch.zeros(token_ids.shape, device=token_ids.device) for role in views[0]}
    hidden = {
        role: torch.zeros(*token_ids.shape, width, dtype=teacher.network.dtype, device=token_ids.device)
        for role in views[0]
        if role in kept
    }
    for part in pack(_lengths(views, given, group), given.micro_tokens):
        for task, states, scored in _replayed(teacher, views, part, given):
            place = slice(task * group, (task + 1) * group), slice(scored.shape[-1])
            distinct = _distinct(views[task])
            for role, prompts in views[task].items():
                seen = [distinct.index(prompt) for prompt in prompts]
                logprobs[role][place] = scored[seen].mean(dim=0) if len(seen) > 1 else scored[seen[0]]
                if role in hidden:
                    hidden[role][place] = states[seen[0]]
    return Replays(logprobs, hidden)


@torch.no_grad()
def own_logprobs(model: LoadedModel, prompts: Sequence[Prompt], given: GivenAnswers) -> torch.Tensor:
    """A model's log-probs (rows, tokens) of answers to its own prompts, computed as the update does."""
    group = given.token_ids.shape[0] // len(prompts)
    found = torch.zeros(given.token_ids.shape, device=given.token_ids.device)
    longest = given.token_ids.shape[1]
    lengths = [len(prompt.token_ids) + group * longest for prompt in prompts]
    for part in pack(lengths, given.micro_tokens):
        rows = group_rows(part, group, given.token_ids.device)
        ids, real = given.token_ids[rows], given.mask[rows]
        hidden = replay(model, [prompts[index] for index in part], ids, real)
        found[rows] = response_logprobs(model, hidden, ids, real, given.temperature)
    return found


def group_rows(tasks: Sequence[int], group: int, device: torch.device) -> torch.Tensor:
    """Row numbers of some tasks' rollouts, (tasks * group,)."""
    first = torch.tensor(tasks, device=device) * group
    return (first[:, None] + torch.arange(group, device=device)).flatten()


def _replayed(
    teacher: LoadedModel, views: Sequence[Views], part: Sequence[int], given: GivenAnswers
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """A part's tasks with hidden states (views, group, tokens, width) and log-probs (no width)."""
    group = given.token_ids.shape[0] // len(views)
    prompts = [_distinct(views[task]) for task in part]
    siblings = torch.arange(group, device=given.token_ids.device)
    rows = torch.cat(
        [(task * group + siblings).repeat(len(seen)) for task, seen in zip(part, prompts, strict=True)]
    )
    longest = int(given.mask[rows].sum(dim=1).max())
    ids, real = given.token_ids[rows, :longest], given.mask[rows, :longest]
    hidden = replay(teacher, [prompt for seen in prompts for prompt in seen], ids, real)
    logprobs = response_logprobs(teacher, hidden, ids, real, given.temperature)
    sizes = [len(seen) * group for seen in prompts]
    for task, states, scored in zip(part, hidden.split(sizes), logprobs.split(sizes), strict=True):
        yield task, states.unflatten(0, (-1, group)), scored.unflatten(0, (-1, group))


def _distinct(views: Views) -> list[Prompt]:
    return list(dict.fromkeys(prompt for prompts in views.values() for prompt in prompts))


def _lengths(views: Sequence[Views], given: GivenAnswers, group: int) -> list[int]:
    """Tokens of a task's replay: each view's whole prompt (its attention spans it), and the answers."""
    longest = given.mask.sum(dim=1).view(len(views), group).amax(dim=1).tolist()
    lengths = []
    for seen, answer in zip(map(_distinct, views), longest, strict=True):
        prompt = max(len(prompt.token_ids) for prompt in seen)
        lengths.append(len(seen) * (prompt + group * answer))
    return lengths
