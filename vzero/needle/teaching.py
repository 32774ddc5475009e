"""Lessons as padded tensors, and the loss on what the assistant says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast, Qwen3_5ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling

from vzero.models.prompts import CROP_NOTICE, question_text
from vzero.needle.architecture import image_processor
from vzero.needle.lessons import Lesson, Turn
from vzero.needle.scenes import CELL

IGNORED = -100
MERGE = 2  # patches a side that make one visual token
NAMING = 0.5  # weight of the naming loss


@dataclass(frozen=True)
class LessonBatch:
    token_ids: torch.Tensor  # (lessons, length), right-padded
    mask: torch.Tensor  # (lessons, length)
    labels: torch.Tensor  # (lessons, length), IGNORED outside replies and object names
    reading: torch.Tensor  # (lessons, length), true in replies to open letter questions
    reading_turns: int
    pixels: torch.Tensor
    grids: torch.Tensor
    named_tokens: torch.Tensor  # (objects,), visual tokens at the objects' centres, counted over all images
    names: torch.Tensor  # (objects, 3), vocabulary ids of their colour, shape and letter


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
        ids, led_to, read = zip(*row, strict=True)
        token_ids[index, : len(row)] = torch.tensor(ids)
        mask[index, : len(row)] = 1
        labels[index, : len(row)] = torch.tensor(led_to)
        reading[index, : len(row)] = torch.tensor(read)
    grids = np.concatenate([f["image_grid_thw"] for f in features])
    named_tokens, names = _named_objects(tokenizer, lessons, grids)
    return LessonBatch(
        token_ids,
        mask,
        labels,
        reading,
        sum(turn.open and turn.question.family == "letter" for lesson in lessons for turn in lesson.turns),
        torch.from_numpy(np.concatenate([f["pixel_values"] for f in features])),
        torch.from_numpy(grids),
        named_tokens,
        names,
    )


def _named_objects(
    tokenizer: PreTrainedTokenizerFast, lessons: Sequence[Lesson], grids: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the objects' centres are among the visual tokens of all images, and what stands there."""
    tokens: list[int] = []
    names: list[list[int]] = []
    counts = grids.prod(axis=1) // MERGE**2
    image, first = 0, 0
    for lesson in lessons:
        columns = int(grids[image, 2]) // MERGE
        for item in lesson.objects:
            tokens.append(first + int(item.y // CELL) * columns + int(item.x // CELL))
            names.append(
                [_encode(tokenizer, f" {word}")[0] for word in (item.colour, item.shape, item.letter)]
            )
        first += int(counts[image : image + len(lesson.images)].sum())
        image += len(lesson.images)
    return torch.tensor(tokens, dtype=torch.int64), torch.tensor(names, dtype=torch.int64).reshape(-1, 3)


def _lesson_tokens(
    tokenizer: PreTrainedTokenizerFast, lesson: Lesson, image_tokens: Iterator[int]
) -> list[tuple[int, int, bool]]:
    """Token id, label (what the token before it should lead to), and whether a letter is read aloud."""
    placeholder = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    letters = _letters_by_name(tokenizer, lesson)
    row: list[tuple[int, int, bool]] = []
    for number, turn in enumerate(lesson.turns):
        asked: list[int] = []
        for token in _encode(tokenizer, _asked(tokenizer, lesson, turn, first=number == 0)):
            asked += [token] * (next(image_tokens) if token == placeholder else 1)
        # A named object leads to its letter where it is named: finding is learned there, answering apart.
        labels = [letters.get(pair, IGNORED) for pair in itertools.pairwise(asked)]
        row += [
            (token, label, False) for token, label in zip(asked, [IGNORED, IGNORED, *labels], strict=False)
        ]
        read = turn.open and turn.question.family == "letter"
        row += [(token, token, read) for token in _encode(tokenizer, f"{turn.reply}<|im_end|>")]
        row += [(token, IGNORED, False) for token in _encode(tokenizer, "\n")]
    return row


def _letters_by_name(tokenizer: PreTrainedTokenizerFast, lesson: Lesson) -> dict[tuple[int, int], int]:
    """The letter of every object in the picture by its two name tokens, colour and shape."""
    words = (
        tuple(_encode(tokenizer, f" {word}")[0] for word in (item.colour, item.shape, item.letter))
        for item in lesson.objects
    )
    return {(colour, shape): letter for colour, shape, letter in words}


def _asked(tokenizer: PreTrainedTokenizerFast, lesson: Lesson, turn: Turn, *, first: bool) -> str:
    text = question_text(turn.question.text, turn.shown_options)
    images = [{"type": "image"}] * len(lesson.images) if first else []
    if first and len(lesson.images) == 2:
        text = f"{CROP_NOTICE}\n{text}"
    message = {"role": "user", "content": [*images, {"type": "text", "text": text}]}
    return str(tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True))


def _encode(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def teaching_loss(
    model: Qwen3_5ForConditionalGeneration, batch: LessonBatch
) -> tuple[torch.Tensor, float | None]:
    """Mean nats of a spoken token plus the naming loss, and nats of a whole reply to an open letter question.

    The second is None for a batch without such a question.
    """
    visual = model.model.visual(batch.pixels, grid_thw=batch.grids)
    counts = (batch.grids.prod(dim=1) // MERGE**2).tolist()
    by_image = BaseModelOutputWithPooling(pooler_output=visual.pooler_output.split(counts))
    hidden = model.model(
        input_ids=batch.token_ids,
        attention_mask=batch.mask,
        mm_encoder_outputs={"image": by_image},
        image_grid_thw=batch.grids,
        mm_token_type_ids=(batch.token_ids == model.config.image_token_id).int(),
        use_cache=False,
    ).last_hidden_state
    spoken = batch.labels[:, 1:] != IGNORED
    losses = torch.nn.functional.cross_entropy(
        model.lm_head(hidden[:, :-1][spoken]), batch.labels[:, 1:][spoken], reduction="none"
    )
    reading = losses.detach()[batch.reading[:, 1:][spoken]].sum().item()
    loss = losses.mean() + NAMING * naming_loss(model, visual.pooler_output, batch)
    return loss, reading / batch.reading_turns if batch.reading_turns else None


def naming_loss(
    model: Qwen3_5ForConditionalGeneration, visual: torch.Tensor, batch: LessonBatch
) -> torch.Tensor:
    """Nats of an object's colour, shape and letter, read off its visual token in the words' own embedding.

    Towers as small as these do not come to share the words' space from questions alone in affordable time.
    """
    logprobs = model.lm_head(visual[batch.named_tokens]).log_softmax(dim=-1)
    return -logprobs.gather(1, batch.names).mean()
