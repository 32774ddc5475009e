"""Summaries and settings as people read them: on one line, or by dotted names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PRINTED = ("funnel", "rejects", "box_conventions")
"""Of summaries: what `ingest` has already printed as a table or in lines of its own."""


def summary_line(title: str, summary: dict[str, Any]) -> str:
    """A stage's summary on one line, nested names after their section's."""
    return f"{title}: {', '.join(_spelled_out(summary))}"


def dotted(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by names such as `gate.alpha`; a list is a value."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


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
