"""How lmms-eval takes the thinking out of a reply where it is told to (its `--reasoning_tags`)."""

from __future__ import annotations

OPENING, CLOSING = "<think>", "</think>"


def without_thinking(reply: str) -> str:
    """The reply without what stands between the tags.

    Of a closing tag alone, what follows is kept. An opening tag that is never closed is left as it is.
    """
    while OPENING in reply:
        start = reply.find(OPENING)
        end = reply.find(CLOSING, start)
        if end < 0:
            break
        reply = reply[:start] + reply[end + len(CLOSING) :]
    if OPENING not in reply and CLOSING in reply:
        reply = reply.rpartition(CLOSING)[2]
    return reply.strip()
