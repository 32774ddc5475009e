"""Cut a reply down to the part that was meant as the answer."""

from __future__ import annotations

import re
import unicodedata

THINKING = re.compile(r"<(think|thinking)>.*?</\1>", re.DOTALL | re.IGNORECASE)
THOUGHT_BEFORE = re.compile(r".*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
THOUGHT_AFTER = re.compile(r"<think(?:ing)?>.*", re.DOTALL | re.IGNORECASE)
END_OF_TURN = re.compile(r"</s>|<\|\w+\|>", re.IGNORECASE)
ANSWER_TAG = re.compile(r"<answer>(.*?)(?:</answer>|$)", re.DOTALL | re.IGNORECASE)
BOXED = re.compile(r"\\f?boxed\s*\{")


def answer_part(reply: str) -> tuple[str, str]:
    """The answer's text, and where it stood: "answer-tag", "boxed" or "reply".

    Thoughts are cut out, also those a reply ends in; the last tag or box counts, because minds change.
    Full-width signs become plain ones, invisible signs and end-of-turn marks go.
    """
    text = END_OF_TURN.sub(" ", without_thoughts(_plain(reply))).strip()
    where = "reply"
    if tagged := ANSWER_TAG.findall(text):
        text, where = tagged[-1].strip(), "answer-tag"
    box = last_box(text)
    return (text, where) if box is None else (box.strip(), "boxed")


def _plain(reply: str) -> str:
    if reply.isascii():  # nothing to change, and most replies are
        return reply
    plain = unicodedata.normalize("NFKC", reply)
    return "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")


def without_thoughts(reply: str) -> str:
    """The reply without `<think>` parts: closed ones, one that only ends, and one that never does."""
    return THOUGHT_AFTER.sub("", THOUGHT_BEFORE.sub("", THINKING.sub("", reply)))


def last_box(text: str) -> str | None:
    r"""What stands in the last `\boxed{...}`, up to its own closing brace; None without one."""
    starts = [found.end() for found in BOXED.finditer(text)]
    if not starts:
        return None
    depth = 1
    for place in range(starts[-1], len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[starts[-1] : place]
    return text[starts[-1] :]
