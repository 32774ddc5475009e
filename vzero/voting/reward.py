"""What the Questioner earns for a question, by what the Solver's votes say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vzero.answers.questions import WrittenQuestion
from vzero.config.methods.questioner import Reward
from vzero.config.voting import Keep, Voting
from vzero.signals.votes import Vote, dual_track
from vzero.voting.fate import Fate, fate
from vzero.voting.voters import Ballot, Voter, own_answer


@dataclass(frozen=True)
class Judged:
    """A question with what its votes amount to."""

    fate: Fate
    agrees: bool
    """Whether the quick answer is the label."""
    earned: float
    """By the two tracks, before what repeats take off."""


def judged(
    question: WrittenQuestion, ballots: Mapping[Voter, Ballot], reward: Reward, voting: Voting, keep: Keep
) -> Judged:
    """The question's fate and what it earns."""
    votes: dict[Voter, Vote] = {voter: ballot.vote for voter, ballot in ballots.items()}
    found = fate(question, votes, keep)
    quick = votes["fast"].answer if voting.fast == "solver" else own_answer(question, voting)
    agrees = found.label is not None and quick == found.label
    if found.label is None or (reward.only_kept and not found.kept):
        return Judged(found, agrees, 0.0)
    return Judged(found, agrees, dual_track(found.confidence, agrees or reward.tracks == "uncertainty"))
