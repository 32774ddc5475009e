"""The plain path: every row carries its whole prompt and is computed by itself.

For families whose caches are not known to fork, and the baseline that shared prefixes are measured against.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from vzero.models.encoding import encode
from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout.prefix import Prefix, begin, computing


def replay(
    model: LoadedModel, prompts: Sequence[Prompt], token_ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """As `vzero.rollout.replay.replay`, by one uncached pass over prompts and responses together.

    Token ids and mask are (rows, tokens), the hidden states (rows, tokens, width).
    """
    repeated = encode(model, _repeated(prompts, token_ids.shape[0] // len(prompts)))
    columns = torch.arange(token_ids.shape[1], device=token_ids.device)
    positions = (repeated.next_position[:, None] + columns).expand(3, -1, -1)
    whole = torch.cat([repeated.token_ids, token_ids], dim=1)
    model.work.count_pass(whole, whole.shape[1], repeated.grids)
    with computing(model):
        hidden = model.network.model(
            input_ids=whole,
            attention_mask=torch.cat([repeated.mask, mask], dim=1),
            position_ids=torch.cat([repeated.positions, positions], dim=2),
            pixel_values=repeated.pixels,
            image_grid_thw=repeated.grids,
            use_cache=False,
        ).last_hidden_state
    start = repeated.token_ids.shape[1] - 1
    # A view would keep the prompts' hidden states alive as well.
    return hidden[:, start : start + token_ids.shape[1]].clone()


def prefill(model: LoadedModel, prompts: Sequence[Prompt], group: int) -> Prefix:
    """Prompts ready to be answered `group` times each, encoded once for every answer."""
    return begin(model, encode(model, _repeated(prompts, group)))


def _repeated(prompts: Sequence[Prompt], group: int) -> list[Prompt]:
    return [prompt for prompt in prompts for _ in range(group)]
