"""A question that a model wrote, read as the released self-play code does (its reward's caller and server).

Kept to compare with: what surrounds the blocks is tolerated, a description need not be there, and the answer
is the first capital of its block in capitals, so "Answer: B" is A.
"""

from __future__ import annotations

import re

from vzero.answers.questions import LETTERS, Fault, WrittenQuestion

QUESTION = re.compile(r"<question>(.*?)</question>", re.DOTALL)
ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
DESCRIPTION = re.compile(r"<description>(.*?)</description>", re.DOTALL)
CAPITAL = re.compile(r"[A-Z]")


def read_leniently(text: str) -> WrittenQuestion | Fault:
    """The question, or why the released code would refuse it; its letter need not be one of the options'.

    The released code shows the Solver the block as it is. Here its options are taken apart at the first marks
    that stand in order, so that all questions are asked in the same words; where none do, all is stem.
    """
    question, answer = (_block(pattern, text) for pattern in (QUESTION, ANSWER))
    if not question or not answer:
        return "tag_missing"
    if not all(f"{letter})" in question for letter in LETTERS):
        return "options_not_a_to_d"
    fast = CAPITAL.search(answer.upper())
    if fast is None:
        return "answer_not_a_letter"
    stem, *options = _apart(question)
    return WrittenQuestion(_block(DESCRIPTION, text), stem, tuple(options), fast[0])


def _block(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1].strip() if found else ""


def _apart(question: str) -> list[str]:
    """Stem and options."""
    places = [question.find("A)")]
    for letter in LETTERS[1:]:
        places.append(question.find(f"{letter})", places[-1] + 2))
    if -1 in places:
        return [question]
    ends = [*places[1:], len(question)]
    options = [question[start + 2 : end].strip() for start, end in zip(places, ends, strict=True)]
    return [question[: places[0]].strip(), *options]
