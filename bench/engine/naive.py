"""The straightforward way: every rollout is a row that carries its whole prompt, image included.

One batched forward over prompt and answer, no cache, logits at the answer's positions only; sampling by the
library's ordinary cached `generate` over the same rows. Loss, gate and optimizer are ours, so that the
difference is the engine's alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from bench.engine.settings import Setting
from bench.engine.shared import GATED, UNGATED, optimizer_of, random_teacher_hidden, run_of, unweighted
from vzero.models.encoding import encode
from vzero.models.prompt import Prompt
from vzero.prompts.views import POSITIVE
from vzero.rollout.plain import replay
from vzero.rollout.responses import response_logprobs
from vzero.signals.aggregation import denominator
from vzero.signals.evidence import GateConstants, gate
from vzero.train.loss import Loss, Scored, rollout_loss
from vzero.train.scoring import loss_of


@torch.no_grad()
def replay_views(setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
    """The teacher's hidden states at the answers, with the right crop and with the wrong one."""
    return _replay_views(setting, setting.token_ids, setting.mask)


def stepper(setting: Setting) -> Callable[[], object]:
    """A whole training step: rollouts, two views, gate, update."""
    optimizer, run = optimizer_of(setting), run_of(setting, GATED)

    def step() -> None:
        with torch.no_grad():
            token_ids = sample(setting)
            mask = torch.ones_like(token_ids)  # no answer of this setting ends early
            positive, negative = _replay_views(setting, token_ids, mask)
            right = response_logprobs(setting.teacher, positive, token_ids, mask)
            wrong = response_logprobs(setting.teacher, negative, token_ids, mask)
        groups = torch.arange(len(mask)) // setting.group
        weights = gate(right, wrong, mask, groups, GateConstants()).weights
        scored = Scored(token_ids, mask, weights, torch.ones(len(mask)).bool(), hidden={POSITIVE: positive})
        _update(setting, scored, loss_of(run), optimizer)

    return step


def updater(setting: Setting) -> Callable[[], object]:
    """The training pass on the setting's answers, and the optimizer's step."""
    optimizer = optimizer_of(setting)
    hidden = random_teacher_hidden(setting)
    scored = unweighted(setting, setting.token_ids, setting.mask, hidden).scored
    loss = loss_of(run_of(setting, UNGATED))
    return lambda: _update(setting, scored, loss, optimizer)


def _rows(prompts: Sequence[Prompt], rows: int) -> list[Prompt]:
    return [prompt for prompt in prompts for _ in range(rows // len(prompts))]


def sample(setting: Setting) -> torch.Tensor:
    model, tokens = setting.student, setting.token_ids.shape[1]
    encoded = encode(model, _rows(setting.student_prompts, len(setting.samples) * setting.group))
    network: Any = model.network
    sequences = network.generate(
        input_ids=encoded.token_ids,
        attention_mask=encoded.mask,
        mm_token_type_ids=(encoded.token_ids == model.image_token).int(),
        pixel_values=encoded.pixels,
        image_grid_thw=encoded.grids,
        do_sample=True,
        top_k=0,
        suppress_tokens=model.banned_tokens,
        max_new_tokens=tokens,
    )
    return sequences[:, -tokens:]


def _replay_views(
    setting: Setting, token_ids: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        replay(setting.teacher, setting.positive_prompts, token_ids, mask),
        replay(setting.teacher, setting.negative_prompts, token_ids, mask),
    )


def _update(setting: Setting, scored: Scored, loss: Loss, optimizer: torch.optim.Optimizer) -> None:
    """The sum over rows as one batch: gradients of the whole step at once."""
    hidden = replay(setting.student, setting.student_prompts, scored.token_ids, scored.mask)
    totals = {term.aggregation: denominator(term.aggregation, scored.mask) for term in loss.terms}
    rollout_loss(setting.student, setting.teacher, hidden, scored, loss, totals).backward()
    torch.nn.utils.clip_grad_norm_(setting.student.network.parameters(), setting.train.max_grad_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
