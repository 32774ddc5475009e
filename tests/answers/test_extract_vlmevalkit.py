"""VLMEvalKit's exact matching, one test a rule."""

from __future__ import annotations

import pytest

from vzero.answers.extract import extract

FABRICS = {"A": "rubber", "B": "cotton", "C": "kevlar", "D": "leather"}
LONG = " and this goes on for much longer than all the option texts taken together twice"


def read(reply: str, choices: dict[str, str] = FABRICS) -> tuple[str | None, str]:
    found = extract(reply, choices)
    return found.letter, found.rule


def test_a_failed_call_skips_the_letters_but_not_the_option_texts():
    assert read("Failed to obtain answer via API. B") == (None, "unresolved")
    assert read("Failed to obtain answer via API. cotton") == ("B", "option-text")


@pytest.mark.parametrize(
    "refusal",
    [
        "Sorry, I can't help with images of people yet.",
        "I can't process this file.",
        "I'm sorry, but without the image provided",
        "Cannot determine the answer",
    ],
)
def test_a_refusal_is_z_even_beside_a_letter(refusal: str):
    assert read(f"{refusal} B") == ("Z", "refusal")
    assert read(refusal.upper())[1] != "refusal"  # exact strings only


@pytest.mark.parametrize("sign", list(".()[],:;!*#{}"))
def test_signs_that_separate_tokens(sign: str):
    assert read(f"x{sign}B{sign}y") == ("B", "letter")


@pytest.mark.parametrize("sign", list("<>\"'`?/-$\\=、。（）：＊"))
def test_signs_that_stay_glued_to_a_letter(sign: str):
    assert read(f"{sign}B{sign}") == (None, "unresolved")


def test_a_lone_letter_counts_in_the_last_four_tokens():
    assert read("I choose B for it now") == ("B", "letter")
    assert read("I choose B for it right now") == (None, "unresolved")


def test_it_is_the_first_occurrence_that_must_be_near_the_end():
    assert read("B it says here and there so B") == (None, "unresolved")


def test_one_letter_may_be_repeated_but_two_letters_cancel_each_other():
    assert read("B or B") == ("B", "letter")
    assert read("B or D") == (None, "unresolved")


def test_only_letters_that_are_choices_count():
    two = {"A": "left side of it", "B": "right side of it"}
    assert read("C or B", two) == ("B", "letter")
    assert read("E", {**FABRICS, "E": "silk"}) == ("E", "letter")


def test_a_lone_z_is_a_refusal_only_without_a_choice_letter():
    assert read("it is Z") == ("Z", "letter-z")
    assert read("Z or B") == ("B", "letter")


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("the answer is Because", "B"),
        ("the answer is Definitely", "D"),
        ("the correct answer is **d**", "D"),
        ("the ANSWER IS c", "C"),
        ("the answer  is\n\nb", "B"),
        ("the answer is b, no, the answer is d", "B"),
    ],
)
def test_answer_is_takes_the_first_letter_after_it(reply: str, letter: str):
    assert read(reply + LONG) == (letter, "answer-is")


@pytest.mark.parametrize(
    "reply", ["the answer is: b", "the answer is (b)", "the answer is e", "the answer isb"]
)
def test_answer_is_wants_nothing_but_blanks_and_stars_before_a_to_d(reply: str):
    assert read(reply + LONG, {**FABRICS, "E": "silk"}) == (None, "unresolved")


def test_answer_is_must_name_a_choice_and_its_first_match_decides():
    two = {"A": "left", "B": "right"}
    assert read("the answer is d, the answer is b" + LONG, two) == (None, "unresolved")


def test_exactly_one_option_text_inside_the_reply_decides():
    assert read("COTTON, I think") == ("B", "option-text")
    assert read("cotton or kevlar") == (None, "unresolved")


def test_nested_and_numeric_option_texts_cancel_each_other():
    assert read("it is dark red", {"A": "red", "B": "dark red"}) == (None, "unresolved")
    assert read("it is red", {"A": "red", "B": "dark red"}) == ("A", "option-text")
    assert read("10", {"A": "1", "B": "10"}) == (None, "unresolved")


def test_replies_over_twice_the_length_of_all_option_texts_are_not_searched():
    limit = 2 * sum(map(len, FABRICS.values()))
    assert read("cotton".ljust(limit, "x")) == ("B", "option-text")
    assert read("cotton".ljust(limit + 1, "x")) == (None, "unresolved")


def test_the_length_is_the_replys_in_lower_case_against_the_options_as_written():
    # "İ" becomes two characters in lower case: the reply grows, the option does not.
    assert read("İİİ", {"A": "İ", "B": "x"}) == (None, "unresolved")
    assert read("xİ", {"A": "İ", "B": "y"}) == ("A", "option-text")


def test_a_letter_beside_a_refused_place_still_leaves_the_answer_is_rule():
    assert read("B is right and so the answer is b of course, no doubt") == ("B", "answer-is")


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VERBOSE", "1")
    assert read("I would say it is A") == ("A", "letter")
