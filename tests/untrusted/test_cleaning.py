"""Phrases that are taken off questions: those that prompts say themselves, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.untrusted.cleaning import Cleaning, clean, without


@pytest.mark.parametrize(
    "request_for_a_letter",
    [
        "Answer with the option's letter from the given choices directly.",
        "answer with the option letter",
        "Please answer with the option letter only.",
        "Please select the correct answer from the options above.",
        "Select the best answer",
        "Choose the correct option from the choices given.",
        "Respond with only the letter (A, B, C, or D) of the correct option.",
    ],
)
@pytest.mark.parametrize("between", [" ", "\n", "\n\n  "])
def test_a_request_for_a_letter_goes_from_the_end(request_for_a_letter: str, between: str):
    question = f"What colour is it?{between}{request_for_a_letter}"
    assert clean(question, ["red", "blue"]) == (
        "What colour is it?",
        ["red", "blue"],
        [Cleaning.ANSWER_REQUEST],
    )


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("What colour is it? Please select the correct answer from the options above.", []),
        ("Select the best answer", ["a dog", "a cat"]),
        ("Does the sign say: select the best answer from the list?", ["yes", "no"]),
        ("Select the best answer. What colour is it?", ["red", "blue"]),
    ],
)
def test_what_is_no_request_at_the_end_of_a_question_with_options_stays(question: str, options: list[str]):
    assert clean(question, options) == (question, options, [])


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=9), max_size=4))
def test_what_is_left_stood_there_and_what_went_is_named(question: str, options: list[str]):
    asked, bare, cleanings = clean(question, options)
    assert question.startswith(asked)
    assert all(option.endswith(left) for option, left in zip(options, bare, strict=True))
    assert bool(cleanings) == ((asked, bare) != (question, options))


@pytest.mark.parametrize(
    ("phrase", "text", "left"),
    [
        (
            Cleaning.RED_BOX,
            "What is it? Only focus on the objects inside the red bounding box in the image to answer "
            "this question.",
            "What is it?",
        ),
        (
            Cleaning.BOX_REQUEST,
            "What is it? Please provide the bounding box coordinate of the region that can help you answer "
            "the question better.",
            "What is it?",
        ),
        (Cleaning.LISTED_OBJECTS, "What is it?\nLook at: cup <object>.\nTell me.", "What is it?\nTell me."),
    ],
)
def test_sentences_of_published_sets_go_and_are_named(phrase: Cleaning, text: str, left: str):
    assert without(phrase, text) == (left, (phrase,))
    assert without(phrase, left) == (left, ())
