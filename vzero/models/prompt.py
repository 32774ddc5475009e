"""A view as a model reads it: token ids, with a place for every visual token, and the pixels that fill them.

A view is put into a model's chat template and tokenised here and nowhere else, so what a prompt's length is
has one answer: that of its token ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from vzero.errors import ModelError
from vzero.models.loading import LoadedModel, Processors
from vzero.models.pixels import Pixels, PixelStore, refusal, visual_tokens
from vzero.prompts.messages import messages_of, render
from vzero.prompts.views import Picture, View

TEMPLATE_BYTES = 600  # more than any chat template adds


@dataclass(frozen=True)
class Piece:
    """A prompt, or a part of one. Equal pieces are the same to a model."""

    token_ids: tuple[int, ...]
    """An image's token stands as often as the image has visual tokens."""
    pictures: tuple[Picture, ...]
    """In the order of their places."""
    pixels: tuple[Pixels, ...] = field(default=(), compare=False, repr=False)
    row: str = field(default="", compare=False)
    """Id of what is asked, for messages."""


@dataclass(frozen=True)
class Prompt(Piece):
    text: str = ""
    """The rendered chat template, one image token an image; see `vzero.models.prompt_tokenizer`."""
    head: int = field(default=0, compare=False)
    """Tokens up to the end of the first image, all of them without an image."""

    @property
    def images(self) -> tuple[bytes, ...]:
        """The pictures' encoded bytes."""
        return tuple(picture.data for picture in self.pictures if picture.data is not None)

    @cached_property
    def halves(self) -> tuple[Piece, Piece]:
        """The prompt up to the end of its first image, which other views may share, and the rest."""
        ids, end = self.token_ids, self.head
        before = Piece(ids[:end], self.pictures[:1], self.pixels[:1], self.row)
        return before, Piece(ids[end:], self.pictures[1:], self.pixels[1:], self.row)


def prompt_of(model: LoadedModel, view: View, store: PixelStore | None = None) -> Prompt:
    """The view in the model's template. `store`: that of the step or batch, which shares its pixels.

    Raises ModelError where the template makes more or fewer places than the view has pictures.
    """
    return prompt_of_text(
        model, render(model, messages_of(view.words)), view.shown, row=view.row, store=store
    )


def prompt_of_text(
    model: LoadedModel,
    text: str,
    pictures: Sequence[Picture] = (),
    *,
    row: str = "",
    store: PixelStore | None = None,
) -> Prompt:
    """A rendered text (`Prompt.text`) with its pictures. Raises ModelError as `prompt_of`."""
    store = store or PixelStore()
    ids, head = _token_ids(model, text, pictures, row)
    pixels = tuple(store.of(model, picture) for picture in pictures)
    return Prompt(tuple(ids), tuple(pictures), pixels, row, text=text, head=head)


def prompts_of(model: LoadedModel, views: Sequence[View], store: PixelStore | None = None) -> list[Prompt]:
    """As `prompt_of`, of several views that share their pixels."""
    store = store or PixelStore()
    return [prompt_of(model, view, store) for view in views]


def prompt_length(model: LoadedModel | Processors, view: View) -> int:
    """Tokens of a view's prompt, visual ones included. Its pictures' sizes are enough.

    Raises ValueError for a picture whose shape the processor refuses.
    """
    return len(_token_ids(model, render(model, messages_of(view.words)), view.shown, view.row)[0])


def longest_length(model: LoadedModel | Processors, view: View) -> int:
    """What `prompt_length` cannot be above, without a tokenizer: a token is at least one byte of text."""
    said = len(view.words.text.encode()) + TEMPLATE_BYTES
    return said + sum(visual_tokens(model, picture.width, picture.height) for picture in view.pictures)


def refused_picture(model: LoadedModel | Processors, view: View) -> str | None:
    """Which of a view's pictures the model's processor takes in no way, and why; None where it takes all."""
    reasons = ((picture, refusal(model, picture.width, picture.height)) for picture in view.pictures)
    return next((f"{picture.name} of {reason}" for picture, reason in reasons if reason), None)


def _token_ids(
    model: LoadedModel | Processors, text: str, pictures: Sequence[Picture], row: str
) -> tuple[list[int], int]:
    """The ids, and how many of them are up to the end of the first image."""
    written = model.prompt_tokenizer.token_ids(text)
    places = written.count(model.image_token)
    if places != len(pictures):
        raise ModelError(
            f"{row or 'a prompt'}: the chat template made {places} image places for "
            f"{len(pictures)} images: {text[:500]!r}"
        )
    left = iter(pictures)
    ids: list[int] = []
    head = None
    for token in written:
        if token != model.image_token:
            ids.append(token)
            continue
        picture = next(left)
        ids += [token] * visual_tokens(model, picture.width, picture.height)
        head = len(ids) if head is None else head
    return ids, len(ids) if head is None else head
