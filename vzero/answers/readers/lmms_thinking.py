"""How lmms-eval takes the thinking out of a reply where it is told to (its `--reasoning_tags`)."""

from __future__ import annotations

THINKING = (("<think>", "</think>"),)


def without_thinking(reply: str, pairs: tuple[tuple[str, str], ...] = THINKING) -> str:
    """The reply without what stands between a pair of tags.

    Of a closing tag alone, what follows is kept. An opening tag that is never closed is left as it is.
    """
    for opening, closing in pairs:
        while opening in reply:
            start = reply.find(opening)
            end = reply.find(closing, start)
            if end < 0:
                break
            reply = reply[:start] + reply[end + len(closing) :]
        if opening not in reply and closing in reply:
            reply = reply.rpartition(closing)[2]
    return reply.strip()
