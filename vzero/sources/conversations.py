"""LLaVA's conversations: a list of turns `{from: human | gpt, value: text}`."""

from __future__ import annotations

from typing import Any, Literal


def said_by(speaker: Literal["human", "gpt"], conversations: Any) -> list[str]:
    """The texts of one speaker in order; what is no turn is passed over."""
    if not isinstance(conversations, list):
        return []
    turns = [turn for turn in conversations if isinstance(turn, dict) and turn.get("from") == speaker]
    return [turn["value"] for turn in turns if isinstance(turn.get("value"), str)]
