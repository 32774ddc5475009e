"""Majorities and what they are worth: the table of the method, worked expectations, and what ties do."""

from __future__ import annotations

from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.signals.votes import dual_track, majority

LETTERS = "ABCD"
CONFIDENCES = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
votes = st.lists(st.sampled_from([*LETTERS, None]), min_size=1, max_size=16)


def test_agreement_pays_for_doubt_and_disagreement_for_certainty():
    """The published reward for 10 votes."""
    agree, disagree = ([dual_track(c, agrees) for c in CONFIDENCES] for agrees in (True, False))
    assert agree == pytest.approx([0.3, 0.4, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    assert disagree == pytest.approx([0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5])


def test_of_equals_the_first_one_wins_and_unread_votes_only_count_among_all():
    vote = majority([None, "C", "A", "B", "D", "B", "A", "C", "D", None])
    assert (vote.answer, vote.count, vote.runner_up) == ("C", 2, 2)
    assert (vote.confidence, vote.unread, vote.tie) == (0.2, 2, True)


def test_many_unread_votes_do_not_win():
    vote = majority([None, None, None, "B"])
    assert (vote.answer, vote.confidence, vote.unread, vote.tie) == ("B", 0.25, 3, False)


def test_without_a_vote_that_can_be_read_there_is_no_answer():
    vote = majority([None, None])
    assert (vote.answer, vote.count, vote.confidence, vote.unread, vote.tie) == (None, 0, 0.0, 2, False)
    assert vote.by_chance == 1.0
    with pytest.raises(ValueError, match="needs votes"):
        majority([])


@pytest.mark.parametrize(
    ("count", "runner_up", "chance"),
    [(12, 4, 2517 / 65536), (11, 5, 6885 / 65536), (5, 0, 1 / 32), (4, 0, 1 / 16), (8, 8, 39203 / 65536)],
)
def test_a_lead_is_as_likely_as_that_many_heads(count, runner_up, chance):
    """16 coins show 12 heads or more in 1820 + 560 + 120 + 16 + 1 of 65536 cases."""
    vote = majority(["A"] * count + ["B"] * runner_up)
    assert vote.by_chance == pytest.approx(chance)


@given(votes)
def test_the_majority_has_the_most_votes(answers):
    vote = majority(answers)
    counts = [answers.count(letter) for letter in LETTERS]
    assert vote.count == max(counts)
    assert vote.unread + sum(counts) == len(answers) == vote.votes
    assert vote.tie == (vote.count > 0 and counts.count(vote.count) > 1)


@given(st.integers(0, 16))
def test_no_question_earns_more_than_half_and_an_even_split_earns_it_by_agreement(count):
    confidence = count / 16
    assert 0.0 <= dual_track(confidence, True) <= dual_track(0.5, True) == 0.5
    assert 0.0 <= dual_track(confidence, False) <= dual_track(1.0, False) == 0.5


@pytest.mark.parametrize(
    ("skill", "honest", "lying"),
    [(0.5, 0.361, 0.273), (0.6, 0.346, 0.307), (0.7, 0.286, 0.352), (0.8, 0.198, 0.400), (1.0, 0.0, 0.5)],
)
def test_a_wrong_letter_pays_from_a_skill_of_two_thirds_up(skill, honest, lying):
    """10 votes of a Solver that is right so often, else takes any of three others: what is expected of a
    truthful letter, and of one that is never the majority's unless that is wrong."""
    assert _expected(skill, lies=False) == pytest.approx(honest, abs=1e-3)
    assert _expected(skill, lies=True) == pytest.approx(lying, abs=1e-3)


def _expected(skill: float, *, lies: bool, votes: int = 10) -> float:
    """Over all counts of the four options, A being right; of equals each is first equally often."""
    total, wrong = 0.0, (1 - skill) / 3
    for counts in _compositions(votes, 4):
        ways = factorial(votes)
        for count in counts:
            ways //= factorial(count)
        likely = ways * skill ** counts[0] * wrong ** (votes - counts[0])
        most = max(counts)
        winners = [letter for letter, count in zip(LETTERS, counts, strict=True) if count == most]
        own = "B" if lies else "A"
        earned = [dual_track(most / votes, winner == own) for winner in winners]
        total += likely * sum(earned) / len(earned)
    return total


def _compositions(total: int, parts: int):
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)
