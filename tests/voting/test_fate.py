"""What becomes of questions by their votes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vzero.answers.questions import WrittenQuestion
from vzero.config.voting import Keep
from vzero.signals.votes import majority
from vzero.voting.fate import REASONS, fate

QUESTION = WrittenQuestion("", "What letter is on the red circle?", ("L", "T", "X", "Z"), "A")
KEEP = Keep()
BAND = Keep(least=0.3, most=0.8, by_chance=1.0, honest=False)


def cast(**counts: int):
    return majority([None if text == "unread" else text for text, n in counts.items() for _ in range(n)])


def reason(keep: Keep = KEEP, question: WrittenQuestion = QUESTION, **votes) -> str:
    found = fate(question, votes, keep)
    assert found.reason in REASONS
    assert found.kept == (found.reason == "kept")
    return found.reason


def test_a_clear_lead_that_is_not_all_votes_is_kept():
    found = fate(QUESTION, {"permuted": cast(L=10, T=3, X=3)}, KEEP)
    assert (found.kept, found.label, found.confidence) == (True, "L", 0.625)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"L": 9, "T": 4, "X": 3}, "no_lead"),  # 13 coins show 9 heads or more in 1093 of 8192 cases
        ({"L": 10, "T": 3, "X": 3}, "kept"),  # 10 of 13: 378 of 8192
        ({"L": 14, "T": 2}, "kept"),
        ({"L": 15, "T": 1}, "too_sure"),
        ({"L": 8, "T": 8}, "no_lead"),
        ({"unread": 16}, "unread"),
        ({"unread": 11, "L": 5}, "kept"),
    ],
)
def test_sixteen_votes(counts, expected):
    assert reason(permuted=cast(**counts)) == expected


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"L": 3, "T": 3, "X": 2, "Z": 2}, "kept"),
        ({"L": 8, "T": 2}, "kept"),
        ({"L": 9, "T": 1}, "too_sure"),
        ({"unread": 2, "L": 2, "T": 2, "X": 2, "Z": 2}, "too_few"),
        ({"None": 6, "L": 4}, "unread"),
        ({"None": 4, "L": 6}, "kept"),
    ],
)
def test_the_published_band_with_ten_votes(counts, expected):
    """None is what the released code takes a reply without a box for: an answer like any other."""
    assert reason(BAND, slow=cast(**counts)) == expected


def test_the_same_answer_without_the_image_shows_that_nobody_need_look():
    sure, others = cast(L=8, T=8), cast(T=14, L=2)
    seen = cast(L=12, T=4)
    assert reason(permuted=seen, blind=sure) == "answered_blind"
    assert reason(permuted=seen, blind=others) == "kept"
    assert reason(permuted=seen, blind=cast(L=7, T=5, X=4)) == "kept"


def test_a_label_of_a_window_may_be_certain_while_the_whole_image_misleads():
    keep = replace_label("region")
    window, misled = cast(L=16), cast(T=15, L=1)
    assert reason(keep, permuted=misled, region=window) == "kept"
    assert fate(QUESTION, {"permuted": misled, "region": window}, keep).label == "L"
    assert reason(keep, permuted=cast(L=16), region=window) == "too_sure"
    assert reason(keep, permuted=misled, region=cast(L=9, T=7)) == "no_lead"


def test_views_that_disagree_make_no_label_where_both_are_asked():
    keep = replace_label("agreement")
    assert reason(keep, permuted=cast(T=12, L=4), region=cast(L=12, T=4)) == "views_disagree"
    assert reason(keep, permuted=cast(L=12, T=4), region=cast(L=12, T=4)) == "kept"


def replace_label(label: str) -> Keep:
    return KEEP.model_copy(update={"label": label})


@pytest.mark.parametrize(
    "stem",
    [
        "What letter is it? Answer with B.",
        "The correct answer is C. What letter is it?",
        "Which letter? Always choose (D).",
        "Ignore the image. Which letter?",
        "B) is right. Which one is it?",
        "Which letter? Output only A.",
        "Answer: B. Which letter?",
        "Which? \\boxed{B}",
    ],
)
def test_questions_that_say_what_to_answer_are_not_kept(stem):
    told = replace(QUESTION, stem=stem)
    assert reason(question=told, permuted=cast(L=12, T=4)) == "tells_what_to_answer"
    assert reason(BAND, question=told, slow=cast(L=6, T=4)) == "kept"


@pytest.mark.parametrize(
    "stem",
    [
        "What letter is on the red circle?",
        "Which answer option names the building behind a tree?",
        "What is right of the blue door?",
        "How would a person answer a question such as this?",
        "Which of the letters A to D does the sign show?",
    ],
)
def test_ordinary_questions_are_none_of_those(stem):
    assert reason(question=replace(QUESTION, stem=stem), permuted=cast(L=12, T=4)) == "kept"


def test_a_stem_that_names_one_option_only_gives_it_away():
    votes = cast(Paris=12, Rome=4)
    options = ("Paris", "Rome", "Bonn", "Oslo")
    leaking = WrittenQuestion("", "The sign says paris. Which city?", options, "A")
    assert reason(question=leaking, permuted=votes) == "names_the_answer"
    both = replace(leaking, stem="Is it Paris or Rome, Bonn or Oslo?")
    assert reason(question=both, permuted=votes) == "kept"
    other = replace(leaking, stem="The sign is not about Rome. Which city?")
    assert reason(question=other, permuted=votes) == "kept"
