"""Statistics within groups: the rollouts of one prompt are compared with each other only."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, cast

import torch

GroupOfOne = Literal["zero", "reward"]
"""What a score alone in its group becomes: 0, or itself."""


def group_normalise(
    scores: torch.Tensor,
    groups: Sequence[Hashable] | torch.Tensor,
    *,
    eps: float,
    shrinkage: float = 0.0,
    ddof: int = 0,
    group_of_one: GroupOfOne = "zero",
) -> torch.Tensor:
    """z-scores (rollouts,) within groups; 0 where all of a group are equal, or by `group_of_one` the score.

    (score - mean) / (sqrt(variance + shrinkage^2) + eps). The variance of n scores is their sum of squares
    about the mean over n - `ddof`: 0 is the population's, 1 the sample's. A `shrinkage` above 0, in the
    scores' unit, keeps groups whose spread is mere noise from being blown up to the full range.
    """
    index = _index_of(groups, scores)
    # Double precision: the mean of equal float32 scores must come out equal to them.
    values = scores.double()
    count, mean = _count_and_mean(values, index)
    centred = values - mean[index]
    _, squares = _count_and_mean(centred.square(), index)
    variance = squares * (count / (count - ddof).clamp_min(1))
    spread = (variance + shrinkage**2).sqrt()
    advantages = centred / (spread[index] + eps)
    equal = _all_equal(scores, index, len(count))
    alone = count[index] <= 1
    advantages = torch.where(equal[index] | alone, 0.0, advantages)
    if group_of_one == "reward":
        advantages = torch.where(alone, values, advantages)
    return advantages.to(scores.dtype)


def scaled_to_mean_one(weights: torch.Tensor, groups: Sequence[Hashable] | torch.Tensor) -> torch.Tensor:
    """Weights (rollouts,), none negative, divided by their group's mean; a group of zeros stays as it is."""
    index = _index_of(groups, weights)
    values = weights.double()
    _, mean = _count_and_mean(values, index)
    return (values / torch.where(mean > 0, mean, 1.0)[index]).to(weights.dtype)


def shuffled_in_groups(weights: torch.Tensor, group: int, *, seeds: Sequence[int]) -> torch.Tensor:
    """Weights (rollouts,) in another order within each group of so many neighbours, by a seed for each."""
    orders = [
        torch.randperm(group, generator=torch.Generator().manual_seed(seed)) + number * group
        for number, seed in enumerate(seeds)
    ]
    return weights[torch.cat(orders).to(weights.device)]


def group_index(groups: Sequence[Hashable] | torch.Tensor) -> torch.Tensor:
    """Group names (ints, strings, uuids) as numbers 0, 1, ... in order of appearance: (rollouts,), int64."""
    if isinstance(groups, torch.Tensor):
        # Torch tells no more of `tolist` than that it makes a list.
        groups = cast("list[int]", groups.tolist())  # pyright: ignore[reportUnknownMemberType]
    numbers: dict[Hashable, int] = {}
    return torch.tensor([numbers.setdefault(name, len(numbers)) for name in groups], dtype=torch.int64)


def _index_of(groups: Sequence[Hashable] | torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    index = group_index(groups).to(values.device)
    if index.shape != values.shape:
        raise ValueError(f"{len(index)} group names for scores of shape {tuple(values.shape)}")
    return index


def _count_and_mean(values: torch.Tensor, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Members and mean of each group, both (groups,), of values and group numbers (rollouts,)."""
    zeros = torch.zeros(int(index.max()) + 1, dtype=values.dtype, device=values.device)
    count = zeros.index_add(0, index, torch.ones_like(values))
    return count, zeros.index_add(0, index, values) / count


def _all_equal(scores: torch.Tensor, index: torch.Tensor, groups: int) -> torch.Tensor:
    """Whether the scores (rollouts,) of each group are equal, (groups,)."""
    low = torch.full((groups,), torch.inf, device=scores.device, dtype=scores.dtype)
    low = low.scatter_reduce(0, index, scores, "amin")
    high = -torch.full_like(low, torch.inf)
    high = high.scatter_reduce(0, index, scores, "amax")
    return low == high
