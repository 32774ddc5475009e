"""Who votes on a question: what each voter is shown, how often, and how its replies are read and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from xxhash import xxh32_intdigest

from vzero.answers.answer_part import last_box
from vzero.answers.extraction import lettered
from vzero.answers.questions import WrittenQuestion
from vzero.answers.readers.careful import read
from vzero.config.voting import Voting, Words
from vzero.prompts.roles import blind_view, boxed_view, fast_view
from vzero.prompts.views import Picture, View, full_view
from vzero.rollout.sampling import Sampling
from vzero.signals.votes import Vote, majority
from vzero.voting.orders import Order, shown_orders

Voter = Literal["slow", "permuted", "fast", "blind", "region"]
VOTERS: tuple[Voter, ...] = get_args(Voter)
"""slow reasons about the whole image, permuted with its options in changing places, fast answers at once,
blind sees no image, region sees a window of it."""
UNBOXED = "None"
"""What the released code takes for the answer of a reply without a box: an answer like any other."""
FAST_TOKENS = 8
"""Room for a letter and what may stand around it."""


@dataclass(frozen=True)
class Ask:
    """Something that a frozen model is asked, some times."""

    view: View
    times: int
    sampling: Sampling
    seed: int
    order: Order
    """In which the options are shown."""


@dataclass(frozen=True)
class Ballot:
    """A voter's replies to a question."""

    letters: tuple[str | None, ...]
    """As they were read, by the order that each reply's options were shown in; None: none of them."""
    answers: tuple[str | None, ...]
    """What is counted of them: the options' texts, or what stood in the boxes."""
    vote: Vote


def voters(voting: Voting, *, window: bool) -> tuple[Voter, ...]:
    """Who is asked, those who see a window only where there is one."""
    whole: Voter = "permuted" if voting.permuted else "slow"
    asked: dict[Voter, bool] = {"region": window, "fast": voting.fast == "solver", "blind": voting.blind}
    return (whole, *(voter for voter, wanted in asked.items() if wanted))


def votes_of(voting: Voting, *, window: bool) -> int:
    """How many answers one question takes."""
    return sum(1 if voter == "fast" else voting.votes for voter in voters(voting, window=window))


def asks_of(
    voter: Voter, question: WrittenQuestion, picture: Picture, voting: Voting, *, row: str = ""
) -> list[Ask]:
    """What a voter is asked about a question. `picture`: the window for region, else the whole image."""
    straight = tuple(range(len(question.options)))
    if voter == "fast":
        greedy = Sampling(0.0, FAST_TOKENS)
        view = fast_view(question.stem, question.options, [picture], row=row)
        return [Ask(view, 1, greedy, 0, straight)]
    sampling = Sampling(voting.temperature, voting.max_new_tokens, top_k=voting.top_k)
    if not voting.permuted or not question.options:
        view = _view(voter, question, question.options, picture, voting, row)
        return [Ask(view, voting.votes, sampling, 0, straight)]
    # Orders depend on the question alone: the same in every batch, process and run.
    seed = xxh32_intdigest("\n".join([question.stem, *question.options]).encode())
    orders = shown_orders(len(question.options), voting.votes, seed=seed)
    return [
        Ask(
            _view(voter, question, [question.options[place] for place in order], picture, voting, row),
            1,
            sampling,
            number,
            order,
        )
        for number, order in enumerate(orders)
    ]


def ballot(
    asks: Sequence[Ask], replies: Sequence[Sequence[str]], question: WrittenQuestion, voting: Voting
) -> Ballot:
    """What a voter's replies, as many an ask as it was asked times, amount to."""
    letters: list[str | None] = []
    answers: list[str | None] = []
    for ask, said in zip(asks, replies, strict=True):
        shown = lettered([question.options[place] for place in ask.order])
        for reply in said:
            letter = read_letter(reply, shown, voting.words)
            letters.append(letter)
            answers.append(letter and _answer(letter, shown, voting))
    return Ballot(tuple(letters), tuple(answers), majority(answers))


def own_answer(question: WrittenQuestion, voting: Voting) -> str:
    """What the Questioner's own letter counts as among votes."""
    return _answer(question.fast, lettered(question.options), voting)


def _answer(letter: str, shown: Mapping[str, str], voting: Voting) -> str:
    """What is counted: options' texts, which mean the same in every order; in boxes what stands there."""
    return letter if voting.words == "boxed" else shown.get(letter, letter)


def _view(
    voter: Voter,
    question: WrittenQuestion,
    options: Sequence[str],
    picture: Picture,
    voting: Voting,
    row: str,
) -> View:
    if voter == "blind":
        return blind_view(question.stem, options, row=row)
    asked = boxed_view if voting.words == "boxed" else full_view
    return asked(question.stem, options, [picture], row=row)


def read_letter(reply: str, shown: Mapping[str, str], words: Words) -> str | None:
    """The letter that a reply gives, None where none can be read; of a box, its text as it stands."""
    if words == "own":
        letter = read(reply, shown).letter
        return letter if letter in shown else None
    box = last_box(reply)
    return UNBOXED if box is None else box.strip() or None
