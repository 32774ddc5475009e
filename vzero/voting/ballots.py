"""What written questions ask of a Solver, each different question once, and what it said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from vzero.answers.questions import WrittenQuestion
from vzero.config.voting import Voting
from vzero.voting.voters import Ask, Ballot, Voter, ballot

DistinctQuestion = tuple[int, str, tuple[str, ...]]
"""Number of an image, stem and options: who wrote the same about an image asked the same."""
Asks = Mapping[DistinctQuestion, Mapping[Voter, Sequence[Ask]]]


def asks_about(
    written: Iterable[tuple[int, WrittenQuestion]],
    asks_of: Callable[[int, WrittenQuestion], Mapping[Voter, Sequence[Ask]]],
) -> Asks:
    """Of every different question about an image, by its number, what each voter is asked."""
    asks: dict[DistinctQuestion, Mapping[Voter, Sequence[Ask]]] = {}
    for number, question in written:
        key = number, question.stem, question.options
        if key not in asks:
            asks[key] = asks_of(number, question)
    return asks


def in_order(asks: Asks) -> list[Ask]:
    """The order in which `ballots` takes the replies."""
    return [ask for by_voter in asks.values() for each in by_voter.values() for ask in each]


def ballots(
    asks: Asks, replies: Sequence[Sequence[str]], voting: Voting
) -> dict[DistinctQuestion, dict[Voter, Ballot]]:
    """By question; one with an ask that has no reply could not be put to the Solver, and is left out."""
    left = iter(replies)
    found: dict[DistinctQuestion, dict[Voter, Ballot]] = {}
    for key, by_voter in asks.items():
        said = {voter: [next(left) for _ in each] for voter, each in by_voter.items()}
        if all(reply for heard in said.values() for reply in heard):
            question = WrittenQuestion("", key[1], key[2], "")
            found[key] = {
                voter: ballot(each, said[voter], question, voting) for voter, each in by_voter.items()
            }
    return found
