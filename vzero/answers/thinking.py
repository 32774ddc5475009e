"""What a model thinks aloud before it answers."""

from __future__ import annotations

END = "</think>"
START = "<think>"


def split_thinking(reply: str) -> tuple[str | None, str]:
    """Thinking and answer, split at the last closing tag, as VLMEvalKit's SPLIT_THINK does.

    Without a closing tag there is no thinking (None), also where an opening one stands: whatever was cut off
    in the middle of a thought is kept as the answer, for the readers to read or not.
    """
    thinking, tag, answer = reply.rpartition(END)
    if not tag:
        return None, reply
    return thinking.strip().removeprefix(START).strip(), answer.strip()
