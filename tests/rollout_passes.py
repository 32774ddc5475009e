"""The same answers scored twice: over shared prefixes, and naively, a whole uncached pass for each."""

from __future__ import annotations

import numpy as np
import torch
from made_prompts import student_prompt, teacher_prompt

from vzero.imaging import encode_png
from vzero.models.encoding import encode, pad_rows
from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout.replay import replay
from vzero.rollout.responses import sampled_logprobs, vocabulary_logits


def picture(height: int, width: int, seed: int) -> bytes:
    return encode_png(np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8))


def prompts(model: LoadedModel) -> list[Prompt]:
    """Different lengths, image sizes and image counts."""
    return [
        teacher_prompt(model, picture(96, 96, 1), picture(40, 56, 2), "What letter is it?", ["K", "T"]),
        student_prompt(model, picture(48, 112, 3), "What letter is on the red circle?", ["K", "T", "L"]),
    ]


def shared(model: LoadedModel, asked: list[Prompt], answers: list[list[int]]) -> torch.Tensor:
    token_ids, mask = pad_rows(answers, pad=model.pad_token, device=model.device)
    hidden = replay(model, asked, token_ids, mask)
    return torch.where(mask.bool(), sampled_logprobs(vocabulary_logits(model, hidden), token_ids), 0.0)


def naive(model: LoadedModel, prompt: Prompt, answer: list[int]) -> torch.Tensor:
    """One full forward pass by the library's own classes, nothing cached, nothing padded."""
    encoded = encode(model, [prompt])
    token_ids = torch.cat([encoded.token_ids, torch.tensor([answer])], dim=1)
    logits = model.network(
        input_ids=token_ids,
        attention_mask=torch.ones_like(token_ids),
        pixel_values=encoded.pixels,
        image_grid_thw=encoded.grids,
        mm_token_type_ids=(token_ids == model.image_token).int(),
        use_cache=False,
    ).logits[0]
    predicting = (
        logits[encoded.token_ids.shape[1] - 1 : -1, : len(model.tokenizer)].float().log_softmax(dim=-1)
    )
    return predicting.gather(1, torch.tensor(answer)[:, None]).squeeze(1)


def views(model: LoadedModel) -> list[Prompt]:
    """Two views of two samples: prompts 0 and 2 share an image, and so do 1 and 3. Crops differ in size."""
    asked = [
        (picture(96, 96, 1), picture(40, 56, 2), "What letter is it?"),
        (picture(48, 112, 3), picture(80, 32, 4), "What letter is on the red circle, what letter?"),
        (picture(96, 96, 1), picture(40, 56, 5), "What letter is it?"),
        (picture(48, 112, 3), picture(64, 64, 6), "What letter is on the red circle, what letter?"),
    ]
    return [teacher_prompt(model, full, crop, question, ["K", "T"]) for full, crop, question in asked]


def gradients(model: LoadedModel, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.network.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.network.named_parameters() if p.grad is not None}
