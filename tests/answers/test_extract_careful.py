"""What our own reader accepts, what it refuses, and the reason it gives."""

from __future__ import annotations

import pytest

from vzero.answers.answer_part import answer_part
from vzero.answers.extract import extract
from vzero.answers.option_texts import named

FABRICS = {"A": "rubber", "B": "cotton", "C": "kevlar", "D": "leather"}
COLOURS = {"A": "red", "B": "dark red", "C": "a dog", "D": "10"}


def careful(reply: str, choices: dict[str, str] = FABRICS) -> str | None:
    return extract(reply, choices, "vzero").letter


@pytest.mark.parametrize(
    "reply",
    [
        *("B", "b", " (b) ", "B.", "**B**", '"B"', "`B`", "'B'", "[B]", "$B$", "B)", "B?", "B。", "Ｂ"),
        *("B</s>", "B<|im_end|>", "\ufeffB", "B. cotton", "(B) Cotton.", "B - cotton", "b: cotton", "Cotton"),
        *(
            "Answer: B",
            "answer: b",
            "The answer is **B**.",
            "My answer is b",
            "The answer is: (B)",
            "答案是B",
        ),
        *("Final answer: option B", "The correct option is B, cotton.", "Answer:\nB", "answer = B"),
        *(r"\boxed{B}", r"So \boxed{\text{B}}", r"The answer is $\boxed{\mathrm{B}}$.", r"\(B\)"),
        *("<answer>B</answer>", "<answer> b </answer>", "<answer>B. cotton</answer>", "A? <answer>B"),
        *(
            "The answer is cotton.",
            "I choose B",
            "I would select cotton.",
            "Option B is correct.",
            "B is right",
        ),
        *("It looks soft, so B.", "Therefore, it is B", "I think it is B.", "B. The weave is soft."),
        *("B because it is soft", "It is cotton, not rubber.", "It is made of COTTON"),
        *("The answer is A. Wait, looking again, the answer is B.", "Answer: A\nOn reflection:\nAnswer: B"),
        *("It cannot be C. The correct choice is B.", "Option A is wrong.\nB", "A. rubber\nB. cotton\n\nB"),
        *("<think>The answer is A.</think>B", "so A</think>\n\nB", "<think>A</think><answer>B</answer>"),
        *("<answer>A</answer> no: <answer>B</answer>", "If the answer is A we lose. The answer is B."),
        *("The answer is B, as option A is too hard.", "I'm not sure, but the answer is B."),
    ],
)
def test_replies_that_say_b(reply: str):
    assert careful(reply) == "B"


@pytest.mark.parametrize(
    "reply",
    [
        *("", "nan", "Z", "E", "no idea", "BC", "B/C", "B, A", "Both B and C", "A\nB", "B or maybe D"),
        *("A man is standing near the door.", "side A of the building", "I"),
        *(
            "The answer is not B.",
            "It is not cotton.",
            "I don't think it is B.",
            "If the answer is B we win.",
        ),
        *("The answer is B or C.", "cotton or kevlar", "B. kevlar", "<answer>B. kevlar</answer>"),
        *("Cannot determine the answer", "<think>The answer is B", "<answer></answer> B", "Answer: B, C"),
        *("A. rubber\nB. cotton\nC. kevlar\nD. leather", "The answer is B. No, the answer is the red one."),
        *("cottonwood", "The image shows panel B next to a tree", "В"),
    ],
)
def test_replies_that_say_nothing_certain(reply: str):
    assert careful(reply) is None


def test_longer_option_texts_hide_shorter_ones_and_numbers_are_whole():
    assert careful("it is dark red", COLOURS) == "B"
    assert careful("it is red", COLOURS) == "A"
    assert careful("red or dark red", COLOURS) is None
    assert careful("I count 10 of them", COLOURS) == "D"
    assert careful("I count 10.5 of them, or 110", COLOURS) is None
    assert careful("The answer is a dog", COLOURS) == "C"


def test_options_that_are_letters_are_told_from_labels():
    glyphs = {"A": "P", "B": "K", "C": "X", "D": "T"}
    assert careful("It is K. Answer: D", glyphs) == "D"
    assert careful("K", glyphs) == "B"
    assert careful("The answer is X.", glyphs) == "C"


def test_equal_options_are_told_apart_by_their_letters_only():
    twice = {"A": "red", "B": "red"}
    assert careful("red", twice) is None
    assert careful("B. red", twice) == "B"


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ("B", "reply: the whole answer"),
        (r"\boxed{B}", "boxed: the whole answer"),
        ("<answer>I choose B</answer>", "answer-tag: last statement"),
        ("Option A is wrong.\nB", "reply: last line"),
        ("B. The weave is soft.", "reply: opening letter with its reason"),
        ("I think it is B", "reply: closing letter"),
        ("It is made of cotton", "reply: option text"),
        ("hm", "unresolved"),
    ],
)
def test_the_rule_says_where_and_why(reply: str, rule: str):
    assert extract(reply, FABRICS, "vzero").rule == rule


@pytest.mark.parametrize(
    ("reply", "part"),
    [
        ("<think>a</think> b", ("b", "reply")),
        ("a </think> b <think> c", ("b", "reply")),
        ("<answer>a</answer> <answer> b ", ("b", "answer-tag")),
        (r"<answer>\boxed{\frac{1}{2}}</answer>", (r"\frac{1}{2}", "boxed")),
        (r"\boxed{a} then \boxed{b", ("b", "boxed")),
        ("（Ｂ）<|im_end|>", ("(B)", "reply")),
    ],
)
def test_the_answer_is_cut_out_of_the_reply(reply: str, part: tuple[str, str]):
    assert answer_part(reply) == part


def test_options_are_named_in_whole_words_and_not_when_denied():
    assert named("cotton and kevlar", FABRICS) == {"B", "C"}
    assert named("not cotton, kevlar", FABRICS) == {"C"}
    assert named("cottons", FABRICS) == set()
    assert named("看到红色的车", {"A": "红色", "B": "蓝色"}) == {"A"}
