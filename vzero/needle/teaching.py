"""Lessons as padded tensors, and the loss on what the assistant says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast, Qwen3_5ForConditionalGeneration

from vzero.models.prompts import CROP_NOTICE, question_text
from vzero.needle.architecture import image_processor
from vzero.needle.lessons import Lesson, Turn

IGNORED = -100


@dataclass(frozen=True)
class LessonBatch:
    token_ids: torch.Tensor  # (lessons, length), right-padded
    mask: torch.Tensor  # (lessons, length)
    labels: torch.Tensor  # (lessons, length), IGNORED outside replies
    reading: torch.Tensor  # (lessons, length), true in replies to open letter questions
    reading_turns: int
    pixels: torch.Tensor
    grids: torch.Tensor


def lesson_batch(tokenizer: PreTrainedTokenizerFast, lessons: Sequence[Lesson]) -> LessonBatch:
    """Chat turns of every lesson with its images in the first one."""
    processor = image_processor()
    features = [
        processor(images=[image], input_data_format="channels_last", return_tensors="np")
        for lesson in lessons
        for image in lesson.images
    ]
    tokens = iter([int(f["image_grid_thw"].prod()) // processor.merge_size**2 for f in features])
    rows = [_lesson_tokens(tokenizer, lesson, tokens) for lesson in lessons]
    length = max(len(row) for row in rows)
    token_ids = torch.zeros((len(rows), length), dtype=torch.int64)
    labels = torch.full_like(token_ids, IGNORED)
    mask, reading = torch.zeros_like(token_ids), torch.zeros_like(token_ids, dtype=torch.bool)
    for index, row in enumerate(rows):
        ids, spoken, read = zip(*row, strict=True)
        token_ids[index, : len(row)] = torch.tensor(ids)
        mask[index, : len(row)] = 1
        labels[index, : len(row)] = torch.where(torch.tensor(spoken), torch.tensor(ids), IGNORED)
        reading[index, : len(row)] = torch.tensor(read)
    return LessonBatch(
        token_ids,
        mask,
        labels,
        reading,
        sum(turn.open and turn.question.family == "letter" for lesson in lessons for turn in lesson.turns),
        torch.from_numpy(np.concatenate([f["pixel_values"] for f in features])),
        torch.from_numpy(np.concatenate([f["image_grid_thw"] for f in features])),
    )


def _lesson_tokens(
    tokenizer: PreTrainedTokenizerFast, lesson: Lesson, image_tokens
) -> list[tuple[int, bool, bool]]:
    """Token id, whether the assistant says it, and whether it reads a letter aloud."""
    placeholder = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    row: list[tuple[int, bool, bool]] = []
    for number, turn in enumerate(lesson.turns):
        for token in _encode(tokenizer, _asked(tokenizer, lesson, turn, first=number == 0)):
            row += [(token, False, False)] * (next(image_tokens) if token == placeholder else 1)
        read = turn.open and turn.question.family == "letter"
        row += [(token, True, read) for token in _encode(tokenizer, f"{turn.reply}<|im_end|>")]
        row += [(token, False, False) for token in _encode(tokenizer, "\n")]
    return row


def _asked(tokenizer: PreTrainedTokenizerFast, lesson: Lesson, turn: Turn, *, first: bool) -> str:
    text = question_text(turn.question.text, turn.shown_options)
    images = [{"type": "image"}] * len(lesson.images) if first else []
    if first and len(lesson.images) == 2:
        text = f"{CROP_NOTICE}\n{text}"
    message = {"role": "user", "content": [*images, {"type": "text", "text": text}]}
    return tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)


def _encode(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def teaching_loss(
    model: Qwen3_5ForConditionalGeneration, batch: LessonBatch
) -> tuple[torch.Tensor, float | None]:
    """Mean nats of a spoken token, and of a whole reply to an open letter question (None without one)."""
    hidden = model.model(
        input_ids=batch.token_ids,
        attention_mask=batch.mask,
        pixel_values=batch.pixels,
        image_grid_thw=batch.grids,
        mm_token_type_ids=(batch.token_ids == model.config.image_token_id).int(),
        use_cache=False,
    ).last_hidden_state
    spoken = batch.labels[:, 1:] != IGNORED
    losses = torch.nn.functional.cross_entropy(
        model.lm_head(hidden[:, :-1][spoken]), batch.labels[:, 1:][spoken], reduction="none"
    )
    reading = losses.detach()[batch.reading[:, 1:][spoken]].sum().item()
    return losses.mean(), reading / batch.reading_turns if batch.reading_turns else None
