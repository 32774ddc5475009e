"""One clear sentence for each problem that pydantic finds in a parameter tree."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel


def explain(problem: Any, root: type[BaseModel], *, prefix: str = "") -> str:
    """Name the key and what is allowed there.

    `problem` is one of `ValidationError.errors()`, `root` the model that refused the tree, which stands
    at the key `prefix`.
    """
    location = [str(part) for part in problem["loc"]]
    key = ".".join([prefix, *location] if prefix else location)
    if problem["type"] == "extra_forbidden":
        allowed = sorted(_section_at(root, location[:-1]).model_fields)
        close = difflib.get_close_matches(location[-1], allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"unknown key {key!r}: {hint}allowed: {', '.join(allowed)}"
    if problem["type"] == "model_type":
        return f"{key}: expected a section of keys and values, got {problem['input']!r}"
    message = f"{key}: {problem['msg'].removeprefix('Value error, ')}"
    return message if isinstance(problem["input"], dict) else f"{message}, got {problem['input']!r}"


def _section_at(root: type[BaseModel], location: list[str]) -> type[BaseModel]:
    """The section that a place is in; names and numbers in between are of mappings and lists of sections."""
    section = root
    for name in location:
        if name in section.model_fields:
            section = next(_sections(section.model_fields[name].annotation))
    return section


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """Those that an annotation names: a section itself, it or None, or a mapping or list of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _sections(inner)
