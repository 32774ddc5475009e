"""What each view is asked: chat messages with the full image first, everything that differs after it.

The teacher's text never claims that the crop is the right one: both crops are announced in the same words,
so the positive and the negative view differ in nothing but the crop's pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # wordings are read without torch
    from vzero.models.loading import LoadedModel, Processors

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CROP_NOTICE = "The second image is an enlarged part of the first."
CHOOSE = "Reason briefly, then answer with the option letter."
EXPLAIN = "Reason briefly, then answer."


@dataclass(frozen=True)
class Prompt:
    images: tuple[bytes, ...]  # encoded, in the order of their places in the text
    text: str  # rendered chat template, one image token for each image; see `vzero.models.prompt_tokenizer`
    row: str = field(default="", compare=False)  # id of what is asked, for messages


def question_text(question: str, options: Sequence[str | None]) -> str:
    """The question, its options one a line, and how to answer. A letter whose option is None is left out."""
    offered = [pair for pair in zip(LETTERS, options, strict=False) if pair[1] is not None]
    lines = [f"{letter}. {option}" for letter, option in offered]
    return "\n".join([question, *lines, CHOOSE if options else EXPLAIN])


def student_messages(question: str, options: Sequence[str]) -> list[dict[str, Any]]:
    """The full image and the question; all that is ever seen at inference."""
    return [_user(1, question_text(question, options))]


def teacher_messages(question: str, options: Sequence[str]) -> list[dict[str, Any]]:
    """The full image, a crop, and the question in the student's words."""
    return [_user(2, f"{CROP_NOTICE}\n{question_text(question, options)}")]


def _user(images: int, text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image"}] * images + [{"type": "text", "text": text}]}


def student_prompt(model: LoadedModel, image: bytes, question: str, options: Sequence[str]) -> Prompt:
    return Prompt((image,), render(model, student_messages(question, options)))


def teacher_prompt(
    model: LoadedModel, image: bytes, crop: bytes, question: str, options: Sequence[str]
) -> Prompt:
    return Prompt((image, crop), render(model, teacher_messages(question, options)))


def render(model: LoadedModel | Processors, messages: list[dict[str, Any]]) -> str:
    """The chat template's text, ready for the answer. What messages say is text, whatever it looks like."""
    escape = model.prompt_tokenizer.escape
    return model.tokenizer.apply_chat_template(
        [message | {"content": _escaped(message["content"], escape)} for message in messages],
        tokenize=False,
        add_generation_prompt=True,
        enable_thinking=model.thinking,
    )


def _escaped(content: str | list[dict[str, Any]], escape: Callable[[str], str]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return escape(content)
    return [part | {"text": escape(part["text"])} if part["type"] == "text" else part for part in content]


def split_after_first_image(model: LoadedModel, prompt: Prompt) -> tuple[Prompt, Prompt]:
    """The prompt up to the end of its first image, and the rest. Their tokens together are the prompt's.

    A prompt without an image is all head.
    """
    end = model.prompt_tokenizer.after(prompt.text, model.image_token)
    head = replace(prompt, images=prompt.images[:1], text=prompt.text[:end])
    return head, replace(prompt, images=prompt.images[1:], text=prompt.text[end:])
