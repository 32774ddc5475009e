"""A stage's summary on one line, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PRINTED = ("funnel", "rejects", "box_conventions")
"""Of summaries: what `ingest` has already printed as a table or in lines of its own."""


def summary_line(title: str, summary: dict[str, Any]) -> str:
    """A stage's summary on one line, nested names after their section's."""
    return f"{title}: {', '.join(_spelled_out(summary))}"


def _spelled_out(summary: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in summary.items():
        words = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            if name in PRINTED:
                continue
            yield from _spelled_out(value, f"{words} ")
        elif value is not None:
            yield f"{words} {_spell(value)}"


def _spell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
