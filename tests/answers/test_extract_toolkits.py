"""The other toolkits' extractors, one test a rule."""

from __future__ import annotations

import pytest

from vzero.answers.extract import extract
from vzero.answers.readers.lmms_reasoning import answer_text
from vzero.answers.readers.lmms_thinking import without_thinking
from vzero.answers.readers.zoombench import answer_span

FABRICS = {"A": "rubber", "B": "cotton", "C": "kevlar", "D": "leather"}
FIVE = {**FABRICS, "E": "silk"}


def read(reader: str, reply: str, choices: dict[str, str] = FABRICS) -> tuple[str | None, str]:
    found = extract(reply, choices, reader)
    return found.letter, found.rule


@pytest.mark.parametrize(
    ("reply", "letter", "rule"),
    [
        ("black, surely", "B", "start"),
        ("CANNOT TELL", "C", "start"),
        ("it is a man", "A", "alone"),
        ("the answer is d, option c", "D", "statement"),
        ("my choice: (b)", "B", "parentheses"),
        ("the answer (b) or d.", "B", "parentheses"),
        ("it's d ] or so", "D", "closed"),
        ("given the light, d it is", "D", "alone"),
        ("the big sky", "B", "only-letter"),
        ("the dog bit", None, "unresolved"),
    ],
)
def test_lmms_vstar_takes_the_first_of_five_patterns_in_capitals(reply: str, letter: str | None, rule: str):
    assert read("lmms-eval-vstar", reply) == (letter, rule)


def test_lmms_vstar_reads_a_to_d_however_many_are_offered():
    assert read("lmms-eval-vstar", "D", {"A": "left", "B": "right"}) == ("D", "start")
    assert read("lmms-eval-vstar", "E", FIVE) == (None, "unresolved")


@pytest.mark.parametrize(
    ("reply", "letter", "rule"),
    [
        ("A man stands there, therefore B", "A", "start"),
        ("Both B and C", "C", "end"),
        ("I see the answer is in the (B) or C region, right?", "C", "phrase"),
        ("it is (B) and not D. or so", "B", "parentheses"),
        ("it says A. then C. yes", "C", "period"),
        ("it says A: then C. yes", "C", "period"),
        ("it says A: yes", "A", "colon"),
        ("it says A) yes", "A", "right-parenthesis"),
        ("the CD plays", "D", "blank"),
        ("xBCEx", "C", "anywhere"),
        ("정답은 B입니다", "B", "phrase"),
        ("答えはC", "C", "phrase"),
        ("the answer is clear", None, "unresolved"),
        ('"B.";', "B", "start"),
        (" ' . ", None, "unresolved"),
    ],
)
def test_lmms_mcq_ranks_every_trace_of_a_letter_by_its_format(reply: str, letter: str | None, rule: str):
    assert read("lmms-eval-mcq", reply) == (letter, rule)


def test_lmms_mcq_strips_signs_once_and_in_order():
    assert read("lmms-eval-mcq", "x B.,")[0] == "B"
    # The comma goes before the period: the one inside stays, and B is no longer at the end.
    assert read("lmms-eval-mcq", "x B,.") == ("B", "anywhere")


def test_lmms_hrbench_is_vlmevalkit_before_its_later_rules():
    far = "B stands far away from the end of this whole reply, with many words"
    assert read("lmms-eval-hrbench", far) == ("B", "letter")
    assert read("lmms-eval-hrbench", "the answer is b or d") == (None, "unresolved")
    assert read("lmms-eval-hrbench", "cotton " * 20) == ("B", "option-text")
    assert read("lmms-eval-hrbench", "Cannot determine the answer") == ("Z", "refusal")
    assert read("lmms-eval-hrbench", "Z") == ("Z", "letter-z")
    assert read("lmms-eval-hrbench", "Failed to obtain answer via API. B") == (None, "unresolved")


def test_lmms_hrbench_takes_outer_blanks_from_the_reply_but_not_from_an_option():
    options = {"A": " red", "B": "blue"}
    assert read("lmms-eval-hrbench", " red\n", options) == (None, "unresolved")
    assert read("lmms-eval-hrbench", "it is red\n", options) == ("A", "option-text")


@pytest.mark.parametrize(
    ("reply", "letter"),
    [("( b) cotton", "B"), ("The answer is B", "T"), ("leather", "L"), ("1. B", None), ("", None)],
)
def test_lmms_terse_reads_the_first_character(reply: str, letter: str | None):
    assert read("lmms-eval-terse", reply)[0] == letter


@pytest.mark.parametrize(
    ("reply", "letter", "rule"),
    [
        ("(A) or (C)?", "C", "parentheses"),
        ("B (A) B", "A", "parentheses"),
        ("A and then B", "B", "letter"),
        ("A\nB", "B", "letter"),
        ("xA B.C", "A", "letter"),
        ("C.x B.x", "B", "period"),  # neither has a place: the first choice stands
        ("the glove looks as if made of Cotton not rubber", "A", "option-text"),
        ("made of cotton", None, "<RANDOM>"),
        ("B\n", None, "<RANDOM>"),  # the line end keeps the letter from its blank
    ],
)
def test_lmms_mmmu_takes_the_last_of_the_first_form_found(reply: str, letter: str | None, rule: str):
    assert read("lmms-eval-mmmu", reply) == (letter, rule)


@pytest.mark.parametrize(
    ("reply", "letter", "rule"),
    [
        ("Answer: B", "A", "first-capital"),
        ("The best answer is B", "B", "first-capital"),
        ("see: The answer C", "C", "first-capital"),
        ("Best answer: A", "B", "first-capital"),  # the missing comma
        ("Best answer:Best option: A", "A", "first-capital"),
        ("<answer>\nb</answer> A", "B", "first-capital"),
        ("<answer>cotton</answer>", "C", "first-capital"),
        ("", "A", "inside-label"),
        ("The answer is", "A", "inside-label"),
        ("d", "D", "inside-label"),
        ("e)", "E", "inside-label"),
        ("i do not know", None, "unresolved"),
        ("one two three four five six seven eight nine ten eleven", None, "unresolved"),
    ],
)
def test_mme_realworld_takes_the_first_capital_a_to_e(reply: str, letter: str | None, rule: str):
    assert read("mme-realworld", reply) == (letter, rule)


def test_lmms_eval_reads_mme_realworld_without_the_answer_tag():
    reply = "<answer>b</answer>"
    assert extract(reply, FIVE, "mme-realworld").letter == "B"
    assert extract(reply, FIVE, "lmms-eval", benchmark="MME-RealWorld").letter is None


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("b", "B"),
        (" Cotton", "C"),
        ("(b", "B"),
        ("Option d is it", "D"),
        ("The answer\nis a", "A"),
        ("The answer is: a", None),
        ("The correct answer is a", None),
        ("option ", None),
        ("", None),
    ],
)
def test_mmstar_looks_at_four_places(reply: str, letter: str | None):
    assert read("mmstar-official", reply)[0] == letter


@pytest.mark.parametrize(
    ("reply", "span"),
    [
        ("x <answer> B </answer> y <answer>C</answer>", " B "),
        ("<answer>B", ""),
        ("<answer>cotton.", "cotton"),
        ("</answer><answer>B</answer>", ""),
        ("I think so. Answer: B\nmore", "Answer: B\nmore"),
        ("one\ntwo\nthree\nfour", "two\nthree\nfour"),
        ("one", "one"),
    ],
)
def test_zoombench_cuts_the_answer_out(reply: str, span: str):
    assert answer_span(reply) == span


@pytest.mark.parametrize(
    ("reply", "letter", "rule"),
    [
        ("It is (B) not C.", "B", "parentheses"),
        ("It says C. B", "C", "closed"),
        ("Answer: B", "A", "first-capital"),
        ("Answer: B\n", "B", "closed"),
        ("leather", None, "unresolved"),
        ("<answer>B", None, "unresolved"),
    ],
)
def test_zoombench_reads_a_letter_in_the_span(reply: str, letter: str | None, rule: str):
    assert read("zoombench", reply) == (letter, rule)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("<think>A</think> B", "B"),
        ("<think>A</think> B <think>C</think> D", "B  D"),
        ("so A</think>\n\nB", "B"),  # the chat template has written the opening tag
        ("A</think> B <think>C</think> D", "B  D"),
        ("<think>A, so B", "<think>A, so B"),  # cut off while thinking: nothing is removed
        ("B <think>", "B <think>"),
        (" B ", "B"),
    ],
)
def test_lmms_eval_strips_thinking_in_pairs(reply: str, text: str):
    assert without_thinking(reply) == text


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("<answer> B. </answer> \\boxed{C} 7", ("B", "answer-tag")),
        ("<answer>A</answer> no <answer>B</answer>", ("A", "answer-tag")),  # the first of two
        ("<think><answer>A</answer></think><answer>B</answer>", ("A", "answer-tag")),  # thinking too
        ("<answer>B", ("", "nothing")),  # never closed
        ("<answer></answer> 7", ("", "answer-tag")),
        ("\\boxed{A} then \\boxed{\\frac{1}{2}}", ("\\frac{1}{2}", "boxed")),  # the last of two
        ("\\boxed{A} then \\boxed{B", ("A", "boxed")),  # of those that are closed
        ("\\boxed{} is 12.", ("12", "number")),
        ("There are 3 or 4.5 .\nI am sure", ("4.5", "number")),  # the last line that ends in one
        ("It is -3", ("3", "number")),  # the sign is lost
        ("The answer is B", ("", "nothing")),
    ],
)
def test_lmms_reasoning_looks_for_a_tag_then_a_box_then_a_number(reply: str, found: tuple[str, str]):
    assert answer_text(reply) == found


@pytest.mark.parametrize(
    ("reply", "letter", "rule"),
    [
        ("<answer>B</answer>", "B", "answer-tag: start"),
        ("\\boxed{(C)}", "C", "boxed: parentheses"),
        ("\\boxed{\\text{B}}", "B", "boxed: anywhere"),
        ("<answer>Both C and D</answer>", "B", "answer-tag: start"),  # of a word
        ("<answer>Answer: B</answer>", "A", "answer-tag: start"),
        ("<answer>the answer is C not D</answer>", "D", "answer-tag: end"),
        ("<answer>i pick (D) over (C) today</answer>", "D", "answer-tag: phrase"),  # the earliest
        ("<answer>so 2. B it is</answer>", "B", "answer-tag: numbered"),
        ("<answer>it is G= or so</answer>", "G", "answer-tag: equals"),  # not offered
        ("<answer>cotton</answer>", None, "unresolved"),
        ("It is 7", None, "unresolved"),
        ("The answer is B", None, "unresolved"),  # no tag, no box
    ],
)
def test_lmms_reasoning_reads_the_letter_in_that_text(reply: str, letter: str | None, rule: str):
    assert read("lmms-eval-reasoning", reply) == (letter, rule)
