"""What pages are made of: tables of facts, charts with a caption, and the templates that lay them out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Facts:
    """A small two-column table."""

    heading: str
    rows: list[tuple[str, str]]


@dataclass(frozen=True)
class Figure:
    heading: str
    svg: Markup
    caption: str


@dataclass(frozen=True)
class BroadFigure(Figure):
    slim: Markup
    """The same for narrow screens, on which the broad one could not be read."""


def environment(*folders: Path) -> jinja2.Environment:
    """Templates of the folders, and the macros of this one. An undefined name is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, HERE]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def style() -> Markup:
    """The style sheet that every page carries in itself."""
    return Markup((HERE / "page.css").read_text(encoding="utf-8"))
