"""Lessons as padded tensors, and the losses that teach from them.

Beside the loss on what the assistant says, three aids make towers this small learn in an hour what they would
not find from answers alone: the *naming* loss on the visual tokens of objects; the *mention* loss where a
question names an object, taken half-way up, so that the layers above can work with what was found; and the
*option* loss, which asks an option, where it is listed or said, for its letter. Inattentive readers
are also asked which object is *salient*. The probes are thrown away.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerFast, Qwen3_5ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling

from vzero.needle.architecture import image_processor
from vzero.needle.chain.questions import COARSE_FAMILIES, REGION_FAMILIES
from vzero.needle.lessons import FAMILY_WEIGHTS, Lesson, Turn, View
from vzero.needle.questions import OPTION_LETTERS
from vzero.needle.scenes import CELL, LETTERS, SIDES, SceneObject
from vzero.prompts.messages import messages_of
from vzero.prompts.parts import Question, option_lines
from vzero.prompts.views import own_words, with_crop_announced

IGNORED = -100
FAMILIES = tuple(dict.fromkeys([*FAMILY_WEIGHTS, *REGION_FAMILIES, *COARSE_FAMILIES]))
MERGE = 2  # patches a side that make one visual token
MIDDLE = 2  # text layers below the mention and the option loss
CELLS = max(SIDES.values()) // CELL  # a side, of the largest scenes


@dataclass(frozen=True)
class Places:
    """Visual tokens that show an object, counted over all images of a batch, and what they show."""

    tokens: torch.Tensor  # (places,)
    names: torch.Tensor  # (places, 3), vocabulary ids of colour, shape and letter
    cells: torch.Tensor  # (places, 2), column and row of the object's cell in its own view
    salient: torch.Tensor  # (places,), 0 or 1


@dataclass(frozen=True)
class Mentions:
    """Tokens at which an object has been named in a question, and what is known of the object."""

    rows: torch.Tensor  # (mentions,), lesson
    columns: torch.Tensor  # (mentions,), token
    letters: torch.Tensor  # (mentions,), vocabulary ids
    cells: torch.Tensor  # (mentions, 2), column and row of the cell in the first image
    in_crop: torch.Tensor  # (mentions,), 0 or 1
    salient_letters: torch.Tensor  # (mentions,), of the lesson's salient object: 1 + index in LETTERS, or 0


@dataclass(frozen=True)
class LessonBatch:
    token_ids: torch.Tensor  # (lessons, length), right-padded
    mask: torch.Tensor  # (lessons, length)
    labels: torch.Tensor  # (lessons, length), IGNORED outside replies
    family: torch.Tensor  # (lessons, length), index in FAMILIES of the question replied to, IGNORED elsewhere
    replies: Counter[str]  # by family
    option_letters: torch.Tensor  # (lessons, length), vocabulary ids where an option ends, else IGNORED
    pixels: torch.Tensor  # of all images in a row, (patches, values)
    grids: torch.Tensor  # (images, 3), patches in time, height and width
    places: Places
    mentions: Mentions


def lesson_batch(tokenizer: PreTrainedTokenizerFast, lessons: Sequence[Lesson]) -> LessonBatch:
    """Chat turns of every lesson with its images in the first one."""
    processor = image_processor()
    features = [
        processor(images=[view.pixels], input_data_format="channels_last", return_tensors="np")
        for lesson in lessons
        for view in lesson.views
    ]
    grids = np.concatenate([np.empty((0, 3), np.int64), *(f["image_grid_thw"] for f in features)])
    counts = iter((grids.prod(axis=1) // MERGE**2).tolist())
    rows = [_lesson_tokens(tokenizer, lesson, counts) for lesson in lessons]
    length = max(len(row) for row in rows)
    token_ids = torch.zeros((len(rows), length), dtype=torch.int64)
    family, option_letters = torch.full_like(token_ids, IGNORED), torch.full_like(token_ids, IGNORED)
    mask = torch.zeros_like(token_ids)
    for index, row in enumerate(rows):
        ids, asked, letters = torch.tensor(row).unbind(dim=1)
        token_ids[index, : len(row)] = ids
        mask[index, : len(row)] = 1
        family[index, : len(row)] = asked
        option_letters[index, : len(row)] = letters
    return LessonBatch(
        token_ids,
        mask,
        torch.where(family != IGNORED, token_ids, IGNORED),
        family,
        Counter(turn.question.family for lesson in lessons for turn in lesson.turns),
        option_letters,
        torch.cat([torch.empty(0), *(torch.from_numpy(f["pixel_values"]) for f in features)]),
        torch.from_numpy(grids),
        _places(tokenizer, lessons, grids),
        _mentions(tokenizer, lessons, [[token for token, _, _ in row] for row in rows]),
    )


def _lesson_tokens(
    tokenizer: PreTrainedTokenizerFast, lesson: Lesson, image_tokens: Iterator[int]
) -> list[tuple[int, int, int]]:
    """Token id; in replies the index of the question's family; where an option ends its letter's id."""
    placeholder = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    row: list[tuple[int, int, int]] = []
    for number, turn in enumerate(lesson.turns):
        offered = list(zip(OPTION_LETTERS, turn.shown_options, strict=False))
        listed = {
            f"\n{line}": letter for line, (letter, _) in zip(option_lines(offered), offered, strict=True)
        }
        asked = _asked(tokenizer, lesson, turn, first=number == 0)
        for token, letter in _lettered_tokens(tokenizer, asked, listed):
            row += [(token, IGNORED, letter)] * (next(image_tokens) if token == placeholder else 1)
        family = FAMILIES.index(turn.question.family)
        said = {} if turn.open else {f"It is {turn.option}": turn.question.letter_of(turn.option)}
        for token, letter in _lettered_tokens(tokenizer, f"{turn.reply}<|im_end|>", said):
            row.append((token, family, letter))
        row += [(token, IGNORED, IGNORED) for token in _encode(tokenizer, "\n")]
    return row


def _lettered_tokens(
    tokenizer: PreTrainedTokenizerFast, text: str, phrases: dict[str, str]
) -> list[tuple[int, int]]:
    """Token ids, and where one of the phrases ends the id of the option letter it stands for."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ends = {text.index(phrase) + len(phrase): _word(tokenizer, letter) for phrase, letter in phrases.items()}
    return [
        (token, ends.get(end, IGNORED))
        for token, (_, end) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    ]


def _asked(tokenizer: PreTrainedTokenizerFast, lesson: Lesson, turn: Turn, *, first: bool) -> str:
    images = len(lesson.views) if first else 0
    words = own_words(Question("", turn.question.text, tuple(turn.shown_options), images=min(images, 1)))
    if images == 2:
        words = with_crop_announced(words, 1)
    return str(tokenizer.apply_chat_template(messages_of(words), tokenize=False, add_generation_prompt=True))


def _places(tokenizer: PreTrainedTokenizerFast, lessons: Sequence[Lesson], grids: np.ndarray) -> Places:
    tokens: list[int] = []
    names: list[list[int]] = []
    cells: list[tuple[int, int]] = []
    salient: list[int] = []
    first = 0
    views = (view for lesson in lessons for view in lesson.views)
    for view, grid in zip(views, grids, strict=True):
        rows, columns = (int(side) // MERGE for side in grid[1:])
        for item in view.objects:
            covered = _covered_tokens(view, item.x, item.y, 0.3 * item.radius, rows, columns)
            tokens += [first + token for token in covered]
            words = (item.colour, item.shape, item.letter)
            names += [[_word(tokenizer, word) for word in words]] * len(covered)
            cells += [_cell(item)] * len(covered)
            salient += [int(item.salient)] * len(covered)
        first += rows * columns
    return Places(
        torch.tensor(tokens, dtype=torch.int64),
        torch.tensor(names).reshape(-1, 3),
        torch.tensor(cells).reshape(-1, 2),
        torch.tensor(salient, dtype=torch.int64),
    )


def _covered_tokens(view: View, x: float, y: float, reach: float, rows: int, columns: int) -> list[int]:
    """Visual tokens around a point of a view: one where objects are small, up to four where enlarged."""
    height, width = view.pixels.shape[:2]
    across = {int((x + offset) * columns / width) for offset in (-reach, reach)}
    down = {int((y + offset) * rows / height) for offset in (-reach, reach)}
    return [row * columns + column for row in sorted(down) for column in sorted(across)]


def _cell(item: SceneObject) -> tuple[int, int]:
    """Column and row of the cell that an object's centre lies in, in its view's pixels."""
    return min(int(item.x // CELL), CELLS - 1), min(int(item.y // CELL), CELLS - 1)


def _mentions(
    tokenizer: PreTrainedTokenizerFast, lessons: Sequence[Lesson], token_rows: Sequence[Sequence[int]]
) -> Mentions:
    """Every place where the two words of an object's name, colour and shape, have just been read."""
    found: list[tuple[int, ...]] = []
    for row, (lesson, tokens) in enumerate(zip(lessons, token_rows, strict=True)):
        if not lesson.views:
            continue
        image = lesson.views[0]
        known = {
            (_word(tokenizer, item.colour), _word(tokenizer, item.shape)): (
                _word(tokenizer, item.letter),
                *_cell(item),
                int(any(item.name == other.name for view in lesson.views[1:] for other in view.objects)),
            )
            for item in image.objects
        }
        lure = next((1 + LETTERS.index(item.letter) for item in image.objects if item.salient), 0)
        found += [
            (row, column + 1, *known[pair], lure)
            for column, pair in enumerate(itertools.pairwise(tokens))
            if pair in known
        ]
    facts = torch.tensor(found, dtype=torch.int64).reshape(-1, 7)
    rows, columns, letters, across, down, in_crop, lures = facts.unbind(dim=1)
    return Mentions(rows, columns, letters, torch.stack([across, down], dim=1), in_crop, lures)


def _word(tokenizer: PreTrainedTokenizerFast, word: str) -> int:
    return _encode(tokenizer, f" {word}")[0]


def _encode(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


class Pupil(torch.nn.Module):
    """A model under instruction, with the aids' probes."""

    def __init__(self, network: Qwen3_5ForConditionalGeneration) -> None:
        super().__init__()
        self.network = network
        width = network.lm_head.in_features
        self.probe = torch.nn.Linear(width, 2 * CELLS + 2)  # cell column and row; shown in the crop or not
        self.salience_probe = torch.nn.Linear(width, 2 + 1 + len(LETTERS))  # salient or not; salient letter


def teaching_loss(
    pupil: Pupil, batch: LessonBatch, *, choosing: bool, salience: bool
) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss, and its parts in nats: those of the aids a fact, those of families a reply.

    With `choosing` the option loss counts, and a whole reply weighs as much as a fact; else a token of it.
    With `salience` it counts whether the pupil knows which object is salient.
    """
    network = pupil.network
    visual = (
        network.model.visual(batch.pixels, grid_thw=batch.grids).pooler_output if len(batch.grids) else None
    )
    output = network.model(
        input_ids=batch.token_ids,
        attention_mask=batch.mask,
        use_cache=False,
        output_hidden_states=True,
        **({} if visual is None else _shown(network, visual, batch)),
    )
    spoken = batch.labels[:, 1:] != IGNORED
    losses = cross_entropy(
        network.lm_head(output.last_hidden_state[:, :-1][spoken]),
        batch.labels[:, 1:][spoken],
        reduction="none",
    )
    middle = output.hidden_states[MIDDLE]
    facts = {"option": _option_loss(network, middle, batch.option_letters)} if choosing else {}
    if visual is not None:
        facts["naming"] = _naming_loss(pupil, visual, batch.places)
        facts["mention"] = _mention_loss(pupil, middle, batch.mentions)
        if salience:
            facts["salience"] = _salience_loss(pupil, visual, middle, batch)
    parts = {name: loss.item() for name, loss in facts.items()}
    families = batch.family[:, 1:][spoken]
    for number, family in enumerate(FAMILIES):
        if batch.replies[family]:
            parts[family] = losses.detach()[families == number].sum().item() / batch.replies[family]
    replies = losses.sum() / batch.replies.total() if choosing else losses.mean()
    return replies + sum(facts.values()), parts


def _shown(
    network: Qwen3_5ForConditionalGeneration, visual: torch.Tensor, batch: LessonBatch
) -> dict[str, Any]:
    """The model's arguments for images whose visual tokens are known already."""
    counts = (batch.grids.prod(dim=1) // MERGE**2).tolist()
    by_image = BaseModelOutputWithPooling(pooler_output=visual.split(counts))  # pyright: ignore[reportArgumentType]
    return {
        "mm_encoder_outputs": {"image": by_image},
        "image_grid_thw": batch.grids,
        "mm_token_type_ids": (batch.token_ids == network.config.image_token_id).int(),
    }


def _naming_loss(pupil: Pupil, visual: torch.Tensor, places: Places) -> torch.Tensor:
    """Colour, shape and letter of an object, read off its visual tokens in the words' own space; its cell."""
    seen = visual[places.tokens]
    logprobs = pupil.network.lm_head(seen).log_softmax(dim=-1)
    across, down, _ = pupil.probe(seen).split([CELLS, CELLS, 2], dim=-1)
    cells = cross_entropy(across, places.cells[:, 0]) + cross_entropy(down, places.cells[:, 1])
    return (cells / 2 - logprobs.gather(1, places.names).mean()) / 2


def _mention_loss(pupil: Pupil, hidden: torch.Tensor, mentions: Mentions) -> torch.Tensor:
    """Letter and cell of the object just named, and whether the crop shows it too: mean of the four."""
    known = pupil.network.model.language_model.norm(hidden[mentions.rows, mentions.columns])
    across, down, in_crop = pupil.probe(known).split([CELLS, CELLS, 2], dim=-1)
    facts = (
        cross_entropy(pupil.network.lm_head(known), mentions.letters),
        cross_entropy(across, mentions.cells[:, 0]),
        cross_entropy(down, mentions.cells[:, 1]),
        cross_entropy(in_crop, mentions.in_crop),
    )
    return torch.stack(facts).mean()


def _salience_loss(
    pupil: Pupil, visual: torch.Tensor, hidden: torch.Tensor, batch: LessonBatch
) -> torch.Tensor:
    """Whether an object is the salient one, and, where any is named, the letter of the salient one."""
    places, mentions = batch.places, batch.mentions
    salient, _ = pupil.salience_probe(visual[places.tokens]).split([2, 1 + len(LETTERS)], dim=-1)
    known = pupil.network.model.language_model.norm(hidden[mentions.rows, mentions.columns])
    _, letters = pupil.salience_probe(known).split([2, 1 + len(LETTERS)], dim=-1)
    return cross_entropy(salient, places.salient) + cross_entropy(letters, mentions.salient_letters)


def _option_loss(
    network: Qwen3_5ForConditionalGeneration, hidden: torch.Tensor, option_letters: torch.Tensor
) -> torch.Tensor:
    """The letter of each option, where it has been listed or said."""
    listed = option_letters != IGNORED
    logits = network.lm_head(network.model.language_model.norm(hidden[listed]))
    return cross_entropy(logits, option_letters[listed])
