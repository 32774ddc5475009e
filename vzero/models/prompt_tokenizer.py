"""Token ids of prompts, in which only the chat template's own tokens are structure.

A Hugging Face tokenizer takes the text of an added token (`<|im_end|>`, `<|image_pad|>`, `<think>`) for that
token wherever it stands, so a question could end its own turn, or ask for an image that is not there. Texts
that are put into a template are therefore escaped, as quotes are inside a string: an added token that is not
escaped is structure, and everything else is encoded without any added token.

Between added tokens the ids are those of the whole tokenizer, which cuts a text at them before all else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

ESCAPE = "\ufdd0"
"""Stands before a character that is only text. Unicode keeps it for such ends: no text has it to be read."""


@dataclass(frozen=True)
class PromptTokenizer:
    plain: Tokenizer
    """The model's tokenizer without its added tokens."""
    added: dict[str, int]
    """The added tokens by their text."""
    look_alike: re.Pattern[str]
    """What an escaped text must not hold as it is: an added token's text, or `ESCAPE`."""
    mark: re.Pattern[str]
    """An escaped character (group 1), or an added token."""

    def escape(self, text: str) -> str:
        """A text that is no structure, as it may stand in a prompt; itself, where nothing looks like it."""
        return self.look_alike.sub(lambda found: "".join(ESCAPE + sign for sign in found[0]), text)

    def pieces(self, prompt: str) -> Iterator[tuple[str, int | None]]:
        """A prompt's texts and added tokens in order: each text as its author wrote it, followed by the id of
        the token that ends it, None at the end. Texts may be empty."""
        text, start = "", 0
        for found in self.mark.finditer(prompt):
            text += prompt[start : found.start()]
            start = found.end()
            if found[1] is not None:
                text += found[1]
            else:
                yield text, self.added[found[0]]
                text = ""
        yield text + prompt[start:], None

    def token_ids(self, prompt: str) -> list[int]:
        """Token ids of a prompt with its structure, without images' repetitions."""
        ids: list[int] = []
        for text, token in self.pieces(prompt):
            if text:
                ids += self.plain.encode(text, add_special_tokens=False).ids
            if token is not None:
                ids.append(token)
        return ids

    def after(self, prompt: str, token: int) -> int:
        """Where in a prompt the first token of this id ends; its length where there is none."""
        tokens = (found for found in self.mark.finditer(prompt) if found[1] is None)
        return next((found.end() for found in tokens if self.added[found[0]] == token), len(prompt))


def prompt_tokenizer(tokenizer: Any) -> PromptTokenizer:
    """Of a Hugging Face tokenizer, whose vocabulary it shares.

    Raises ValueError for one whose structure and text cannot be told apart: without the fast backend, with
    added tokens that go by the space around them, or with a model that makes such a token out of its letters.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ValueError("no fast tokenizer (tokenizer.json)")
    plain = Tokenizer(backend.model)
    if backend.normalizer is not None:
        plain.normalizer = backend.normalizer
    if backend.pre_tokenizer is not None:
        plain.pre_tokenizer = backend.pre_tokenizer
    found = backend.get_added_tokens_decoder()
    for text, token in ((token.content, token) for token in found.values()):
        if token.lstrip or token.rstrip or token.single_word or text != text.strip():
            raise ValueError(f"added token {text!r} goes by what stands around it")
        if not found.keys().isdisjoint(plain.encode(text, add_special_tokens=False).ids):
            raise ValueError(f"the text {text!r} cannot be told from that token")
    added = {token.content: number for number, token in found.items()}
    # The longest of several that begin at the same place, as the tokenizer takes them.
    names = [re.escape(text) for text in sorted(added, key=len, reverse=True)]
    return PromptTokenizer(
        plain,
        added,
        look_alike=re.compile("|".join([ESCAPE, *names])),
        mark=re.compile("|".join([f"{ESCAPE}(.)", *names]), re.DOTALL),
    )
