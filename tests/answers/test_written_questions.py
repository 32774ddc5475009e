"""Written questions: what counts as one, each way of failing, and how the released code reads the same."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.answers.lenient_questions import read_leniently
from vzero.answers.questions import FAULTS, WrittenQuestion, read_question

GOOD = (
    "<description>a red circle L</description>"
    "<question>What letter is on it?\nA) L\nB) T\nC) X\nD) Z</question><answer>A</answer>"
)
READ = WrittenQuestion("a red circle L", "What letter is on it?", ("L", "T", "X", "Z"), "A")


def test_all_of_it_is_read():
    assert read_question(GOOD, truncated=False) == READ


def test_space_between_blocks_and_options_on_one_line_are_fine():
    spaced = GOOD.replace("><", ">\n\n<").replace("\n", "  ") + "\n"
    assert read_question(spaced, truncated=False) == READ


FAULTY = {
    "tag_missing": [GOOD.replace("<description>", ""), GOOD[: -len("</answer>")], "no question at all", ""],
    "tag_repeated": [GOOD + "<answer>B</answer>", GOOD.replace("A) L", "A) <question>L")],
    "tags_out_of_order": [
        "<question>Q\nA) 1\nB) 2\nC) 3\nD) 4</question><description>d</description><answer>A</answer>",
        GOOD.replace("<answer>A</answer>", "</answer>A<answer>"),
    ],
    "text_outside": [f"Sure! {GOOD}", f"{GOOD} I hope this helps.", GOOD.replace("><q", "> so <q")],
    "no_stem": [GOOD.replace("What letter is on it?", " ")],
    "options_not_a_to_d": [
        GOOD.replace("D) Z", ""),
        GOOD.replace("A) L\nB) T", "B) T\nA) L"),
        GOOD.replace("D) Z", "D) Z\nE) M"),
        GOOD.replace("A)", "A.").replace("B)", "B."),
        GOOD.replace("D) Z", "D) Z\nA) again"),
    ],
    "option_empty": [GOOD.replace("C) X", "C)"), GOOD.replace("D) Z", "D)  ")],
    "options_equal": [GOOD.replace("B) T", "B) L"), GOOD.replace("B) T", "B)  l.")],
    "answer_not_a_letter": [
        GOOD.replace("r>A<", f"r>{said}<") for said in ("", "E", "a", "A)", "A or B", "Answer: B")
    ],
}


@pytest.mark.parametrize(("fault", "text"), [(f, text) for f, texts in FAULTY.items() for text in texts])
def test_each_fault_has_its_name(fault, text):
    assert read_question(text, truncated=False) == fault


def test_what_ran_into_the_limit_is_no_question_however_it_reads():
    assert read_question(GOOD, truncated=True) == "truncated"
    assert set(FAULTY) | {"truncated"} == set(FAULTS)


words = st.text(st.characters(codec="utf-8", exclude_characters="<>"), min_size=1, max_size=12).filter(
    str.strip
)


@given(words, st.lists(st.integers(0, 99), min_size=4, max_size=4, unique=True), st.sampled_from("ABCD"))
def test_what_is_put_together_is_taken_apart(description, options, letter):
    lines = "\n".join(f"{mark}) number {option}" for mark, option in zip("ABCD", options, strict=True))
    question = f"<question>Which?\n{lines}</question><answer>{letter}</answer>"
    text = f"<description>{description}</description>{question}"
    options = tuple(f"number {option}" for option in options)
    assert read_question(text, truncated=False) == WrittenQuestion(
        description.strip(), "Which?", options, letter
    )


@given(st.text(max_size=60))
def test_no_text_is_an_error(text):
    assert read_question(text, truncated=False) in FAULTS
    read_leniently(text)


@pytest.mark.parametrize(
    ("said", "letter"),
    [("Answer: B", "A"), ("Option B", "O"), ("The correct answer is B", "T"), ("b", "B"), ("B) 30", "B")],
)
def test_the_released_code_takes_the_first_capital_of_the_answer(said, letter):
    """So "Answer: B" is A. Strictly read it is no answer."""
    text = GOOD.replace("r>A<", f"r>{said}<")
    found = read_leniently(text)
    assert isinstance(found, WrittenQuestion)
    assert found.fast == letter
    assert read_question(text, truncated=False) == "answer_not_a_letter"


def test_the_released_code_needs_no_description_and_takes_text_around():
    found = read_leniently("Sure! <question>Q A) 1 B) 2 C) 3 D) 3</question> so <answer>B</answer>")
    assert isinstance(found, WrittenQuestion)
    assert astuple(found) == ("", "Q", ("1", "2", "3", "3"), "B")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<question>Q A) 1 B) 2 C) 3 D) 4</question>", "tag_missing"),
        ("<question> </question><answer>A</answer>", "tag_missing"),
        ("<question>Q A. 1 B. 2 C. 3 D. 4</question><answer>A</answer>", "options_not_a_to_d"),
        ("<question>Q A) 1 B) 2 C) 3 D) 4</question><answer>42</answer>", "answer_not_a_letter"),
    ],
)
def test_what_the_released_code_refuses(text, fault):
    assert read_leniently(text) == fault


def test_marks_out_of_order_leave_all_of_it_a_stem():
    found = read_leniently("<question>D) 4 C) 3 B) 2 A) 1</question><answer>D</answer>")
    assert isinstance(found, WrittenQuestion)
    assert (found.stem, found.options) == ("D) 4 C) 3 B) 2 A) 1", ())
