"""Whether a sampler answers with the weights that it should: its log-probs beside our replay's."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from vzero.errors import SamplerError
from vzero.models.encoding import pad_rows
from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout.replay import replay
from vzero.rollout.responses import response_logprobs
from vzero.rollout.sampling import Rollout
from vzero.signals.mismatch import Mismatch, truncated_ratio

LOOKED_AT = 4  # prompts whose first answers are replayed


def require_agreement(found: Mismatch, bound: float) -> None:
    """Raises SamplerError beyond the bound, nats a token."""
    if found.mean > bound:
        raise SamplerError(
            f"the servers' log-probs differ from our replay's by {found.mean:.3g} nats a token on average, "
            f"by {found.largest:.3g} at most, over {found.tokens:,} tokens; rollout.sampler.max_mismatch "
            f"allows {bound:g}. They answer with other weights, or compute otherwise (docs/samplers.md)"
        )


@torch.no_grad()
def sampled_mismatch(
    model: LoadedModel, prompts: Sequence[Prompt], answers: Sequence[Sequence[Rollout]]
) -> Mismatch:
    """Between a sampler's log-probs and the model's, on the first answers to the first prompts."""
    pairs = [(prompt, group[0]) for prompt, group in zip(prompts, answers, strict=True) if group]
    return sum((_mismatch(model, *pair) for pair in pairs[:LOOKED_AT]), Mismatch())


def _mismatch(model: LoadedModel, prompt: Prompt, answer: Rollout) -> Mismatch:
    ids, mask = pad_rows([answer.token_ids], pad=model.pad_token, device=model.device)
    ours = response_logprobs(model, replay(model, [prompt], ids, mask), ids, mask)
    theirs = torch.tensor([answer.logprobs], device=ours.device)
    return truncated_ratio(ours, theirs, mask, most=torch.inf)[1]
