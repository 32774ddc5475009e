"""The toolkit's letter rules, one test a rule, and every reply of the published edge-case table."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vzero.evaluate.extract import POLICIES, extract
from vzero.evaluate.extraction import Extraction, lettered

FABRICS = {"A": "rubber", "B": "cotton", "C": "kevlar", "D": "leather"}
LONG = " and this goes on for much longer than all the option texts taken together twice"


def read(reply: str, choices: dict[str, str] = FABRICS) -> tuple[str | None, str]:
    found = extract(reply, choices)
    return found.letter, found.rule


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        *[(reply, "B") for reply in ("B", "B.", "(B)", "B. cotton", "B cotton", "B - cotton")],
        *[(reply, "B") for reply in ("B)", "B\n", "B: cotton", "[B]", "**B**")],
        *[(reply, None) for reply in ("b", "(b)", "answer: b", '"B"', "`B`", "B?")],
        ("B is the correct choice because the object that the question asks about is clearly visible", None),
        *[(reply, None) for reply in ("B。", "B</s>", "B<|im_end|>")],
        *[(reply, "B") for reply in ("cotton", "It is cotton.", "Answer: B", "Answer: B.")],
        *[(reply, "B") for reply in ("The answer is B.", "The answer is: B", "My answer is b")],
        *[(reply, "B") for reply in (r"\boxed{B}", r"\boxed{\text{B}}")],
        *[(reply, None) for reply in ("<answer>B</answer>", "<answer>B")],
        *[(reply, "B") for reply in ("<answer> B </answer>", "<answer>B. cotton</answer>", "答案是 B 。")],
        (
            "The correct answer is **C**. Here's why: option D says leather, which is not visible.",
            "C",
        ),
        ("The answer is A. Wait, looking again, the answer is D.", "A"),
        ("It cannot be C. The correct choice is A.", None),
        *[(reply, None) for reply in ("Both B and C", "BC", "B/C", "B, A", "A\nB")],
        ("A man is standing near the door.", None),
        ("side A of the building", "A"),
        ("答案是B", None),
        ("Cannot determine the answer", "Z"),
        ("Z", "Z"),
        *[(reply, None) for reply in ("", "nan")],
        ("<think>Option A is wrong.</think>\nB", None),
        (
            "<think>Option A is wrong because of the shape of the glove.</think>\n\n<answer>B</answer>",
            None,
        ),
        *[
            (reply, None) for reply in ("В", "Ｂ", "\ufeffB", "\u200bB")
        ],  # Cyrillic, full-width, invisible prefixes
    ],
)
def test_every_reply_of_the_edge_case_table(reply: str, letter: str | None):
    assert extract(reply, FABRICS).letter == letter


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


def test_an_unknown_policy_is_an_error_that_names_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown policy 'gpt': allowed: vlmevalkit-exact"):
        extract("B", FABRICS, policy="gpt")


def test_letters_end_at_z():
    assert lettered(["x", "y"]) == {"A": "x", "B": "y"}
    with pytest.raises(ValueError, match="27 options"):
        lettered(["x"] * 27)


@settings(deadline=None)
@given(reply=st.text(), options=st.lists(st.text(min_size=1), min_size=1, max_size=6))
def test_every_policy_reads_a_choice_a_refusal_or_nothing_and_leaves_the_choices_alone(
    reply: str, options: list[str]
):
    choices = lettered(options)
    before = dict(choices)
    for policy in POLICIES:
        found = extract(reply, choices, policy)
        assert found.letter is None or found.letter in {*choices, "Z"}
        assert (found == Extraction(None, "unresolved")) == (found.letter is None)
        assert choices == before


@settings(deadline=None)
@given(letter=st.sampled_from("ABCD"), glyph=st.sampled_from("EFHKLMPRSTXZ"))
def test_the_embedded_worlds_replies_are_read(letter: str, glyph: str):
    assert extract(f"It is {glyph}. Answer: {letter}", {k: k.lower() for k in "ABCD"}).letter == letter
