"""Teacher-forced scoring of given answers under a view: exact token ids, correct alignment."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout import plain
from vzero.rollout.backward_apart import backward_apart
from vzero.rollout.prefix import fork, prefill, response_hidden


def replay(
    model: LoadedModel, prompts: Sequence[Prompt], token_ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Hidden states (rows, tokens, width) whose logits predict the given response tokens (rows, tokens).

    Rows are grouped by prompt: with N prompts and N * G rows, the first G rows answer the first prompt.
    Token j is read at the prompt's last position + j, so the first token and the end token count. The
    prompt is encoded once for its group, and what prompts have in common once for all of them. Gradients
    flow unless under `torch.no_grad`.
    """
    group, remainder = divmod(token_ids.shape[0], len(prompts))
    if remainder:
        raise ValueError(f"{token_ids.shape[0]} responses cannot be grouped over {len(prompts)} prompts")
    if not model.shares_prefixes:
        return plain.replay(model, prompts, token_ids, mask)
    prefix = prefill(model, prompts)
    if torch.is_grad_enabled() and model.work.recomputes_layers:
        prefix = backward_apart(prefix)
    return response_hidden(model, fork(prefix, group), token_ids, mask)
