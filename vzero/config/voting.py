"""How Solvers vote on written questions, and which questions are worth learning from.

Both serve the Questioner's reward and the Solver's training set, so that what is rewarded is what is kept.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vzero.config.base import Positive, Section

Fraction = Annotated[float, Field(ge=0, le=1)]
Label = Literal["full", "region", "agreement"]
Words = Literal["own", "boxed"]


class Voting(Section):
    votes: Annotated[int, Field(ge=2)] = 16
    """Answers to a question, of each voter that reasons."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0
    """Tokens are drawn from the likeliest so many; 0: from all."""
    max_new_tokens: Positive = 64
    permuted: bool = True
    """Options change places from vote to vote, each order followed by its reverse, and votes are counted by
    the options' texts. Needs an even number of votes."""
    fast: Literal["solver", "questioner"] = "solver"
    """Whose quick answer the majority is compared with: the Solver's, greedy and without reasoning, or the
    letter that the Questioner wrote itself, as published: it is paid for writing a wrong one."""
    blind: bool = True
    """Whether there are votes without the image too."""
    words: Words = "own"
    """How the Solver is told to answer, and with it how it is read: in the words of training and evaluation,
    by the careful reader; or in `\\boxed{}`, where the box's text counts as it stands, as published, and
    options cannot change places."""


class Keep(Section):
    """Which questions the Solver learns from."""

    least: Fraction = 0.0
    """Lowest share of votes for the label."""
    most: Fraction = 0.9
    """Highest share of votes of the whole image for the label: above it the question teaches nothing."""
    by_chance: Annotated[float, Field(gt=0, le=1)] = 0.05
    """How likely the lead of the label over the next answer may be by chance, if both were equally likely."""
    blind: Fraction = 0.5
    """Share of votes without the image from which on the same answer shows that nobody need look."""
    honest: bool = True
    """Leave out questions that name the answer, or say what to answer."""
    label: Label = "full"
    """Which votes make the label: those of the whole image, those of a window of it, or both where they
    agree."""
