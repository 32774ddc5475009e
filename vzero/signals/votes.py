"""What several answers to one question amount to: the majority, how sure it is, and what that is worth.

The Questioner of arXiv 2601.10094 is paid by two tracks: where the Solver's majority agrees with a quick
answer, for questions that split the votes; where it does not, for questions of which the Solver is sure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb


@dataclass(frozen=True)
class Vote:
    answer: str | None
    """What most votes are for, of equals the one that came first; None where no vote could be read."""
    count: int
    """Votes for it."""
    runner_up: int
    """Votes for the next."""
    unread: int
    """Votes from which no answer could be read. They count among all votes and are for nothing."""
    votes: int

    @property
    def confidence(self) -> float:
        """The share of all votes that are for the answer."""
        return self.count / self.votes

    @property
    def tie(self) -> bool:
        """Whether another answer has as many votes."""
        return self.answer is not None and self.count == self.runner_up

    @property
    def by_chance(self) -> float:
        """How likely a lead like this, or a larger one, would be if the first two answers were equally
        likely: P(X >= count) of count + runner_up fair coins. 1 where nothing was read."""
        coins = self.count + self.runner_up
        return sum(comb(coins, heads) for heads in range(self.count, coins + 1)) / 2**coins


def majority(answers: Sequence[str | None]) -> Vote:
    """Count votes; None is one that could not be read. Raises ValueError without any."""
    if not answers:
        raise ValueError("a majority needs votes")
    # A Counter keeps first things first among equals.
    counts = Counter(answer for answer in answers if answer is not None).most_common(2)
    (answer, count), (_, runner_up) = (*counts, (None, 0), (None, 0))[:2]
    unread = sum(answer is None for answer in answers)
    return Vote(answer, count, runner_up, unread, len(answers))


def dual_track(confidence: float, agrees: bool) -> float:
    """What a question earns, 0 to 0.5, by the majority's confidence (arXiv 2601.10094, dual-track reward).

    Beside a quick answer that agrees: min(c, 1 - c), most for an even split. Beside another: c / 2, most for
    certainty.
    """
    return min(confidence, 1.0 - confidence) if agrees else 0.5 * confidence
