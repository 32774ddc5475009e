"""A view as chat messages, and these as the text of a model's chat template."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vzero.prompts.parts import Image, Worded

if TYPE_CHECKING:  # wordings are read without torch
    from vzero.models.loading import LoadedModel, Processors


def messages_of(words: Worded) -> list[dict[str, Any]]:
    """A system message where there is one, and the user's texts and image places in order."""
    content = [
        {"type": "image"} if isinstance(part, Image) else {"type": "text", "text": part}
        for part in words.parts
    ]
    system = [{"role": "system", "content": words.system}] if words.system is not None else []
    return [*system, {"role": "user", "content": content}]


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
