"""Free-form answers: what counts as equal, what as different, and what is left open."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vzero.answers.formulas import arithmetic, same_formula
from vzero.answers.matching import Match
from vzero.answers.open_answers import READERS, match, normalised
from vzero.answers.quantities import Quantity, quantity, same_quantity
from vzero.answers.readers.mathvista import mathvista


@pytest.mark.parametrize(
    ("reply", "answer", "rule"),
    [
        ("The Red car.", "red car", "text"),
        ("<think>blue?</think> It says STOP", "stop", "text"),
        ("Let me look.\nThe answer is: **seven**", "Seven", "text"),
        ("ＳＴＯＰ", "stop", "text"),
        ("7", "seven", "number"),
        ("1,234", "1234", "number"),
        ("<answer>12 cm</answer>", "12", "number"),
        ("120 mm", "12 cm", "number"),
        ("50%", "0.5", "number"),
        ("50%", "50", "number"),
        ("$5.00", "5 dollars", "number"),
        ("-3.50", "−3.5", "number"),
        ("2/4", "0.5", "number"),
        ("1.5e3", "1500", "number"),
        (r"\boxed{\frac{1}{2}}", "0.5", "formula"),
        (r"$\sqrt{16}$", "4", "formula"),
        (r"\boxed{x+1}", "1+x", "formula"),
        (r"$120\text{ mm}$", "12 cm", "number"),
    ],
)
def test_equal_answers(reply: str, answer: str, rule: str):
    assert match(reply, answer) == Match(True, rule)


@pytest.mark.parametrize(
    ("reply", "answer", "rule"),
    [
        ("8", "7", "number"),
        ("12 cm", "12 kg", "number"),
        ("$5", "5 euros", "number"),
        ("No, it is closed.", "yes", "yes-or-no"),
    ],
)
def test_answers_that_rules_can_call_wrong(reply: str, answer: str, rule: str):
    assert match(reply, answer) == Match(False, rule)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("crimson", "red"),
        ("", "red"),
        ("a red car and a bus", "red car"),
        ("about seven", "7"),
        ("7", "many"),
    ],
)
def test_what_no_rule_can_settle_is_unresolved_and_not_wrong(reply: str, answer: str):
    assert match(reply, answer) == Match(None, "unresolved")


def test_zoombench_compares_its_span_only():
    assert match("I see 7.\n<answer> Seven </answer>", "7", "zoombench").hit
    assert match("a\nb\nc\n7", "7", "zoombench").hit is None  # the last three lines are one span
    assert match("Answer: 7", "7", "zoombench").hit is None  # the label stays in the span
    assert match("<answer>77", "7", "zoombench").hit  # the last character is lost
    assert match("<answer>8</answer>", "7", "zoombench").hit is None  # all else is the judge's


def test_an_unknown_policy_is_an_error():
    with pytest.raises(ValueError, match="unknown reader 'x': allowed: vzero, zoombench"):
        match("7", "7", "x")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", Quantity(Fraction(3))),
        ("-1/4", Quantity(Fraction(-1, 4))),
        (".5 m", Quantity(Fraction(1, 2), "length", Fraction(1))),
        ("€ 5", Quantity(Fraction(5), "euros")),
        ("1,23", None),
        ("3 parsecs", None),
        ("1/0", None),
        ("3 4", None),
        ("", None),
    ],
)
def test_quantities_are_read_as_a_whole(text: str, value: Quantity | None):
    assert quantity(text) == value


@given(value=st.fractions(), size=st.sampled_from([Fraction(1), Fraction(1, 100)]))
def test_a_quantity_equals_itself_in_another_unit(value: Fraction, size: Fraction):
    assert same_quantity(Quantity(value, "length", size), Quantity(value * size, "length"))
    assert same_quantity(Quantity(value), Quantity(value, "length", size))


def test_texts_are_never_executed(tmp_path):
    target = tmp_path / "made"
    assert not same_formula(f"__import__('pathlib').Path('{target}').touch() or 1", "1")
    assert not target.exists()


def test_a_formula_that_cannot_be_worked_out_is_given_up():
    assert not same_formula(r"$9^{9^{9^{9}}}$", "1")


def test_articles_and_punctuation_around_do_not_count():
    assert normalised(' "The  Cat," ') == "cat"


def mathvista_row(**columns: Any) -> dict[str, Any]:
    fixed = {"question_type": "free_form", "answer_type": "integer", "answer": "7", "prediction": "7"}
    return {**fixed, **columns}


@pytest.mark.parametrize(
    ("columns", "hit"),
    [
        ({}, True),
        ({"prediction": " 7\n"}, True),
        ({"prediction": "8"}, None),  # the judge reads it once more
        ({"prediction": "7.0"}, None),
        ({"prediction": "It is 7"}, None),
        ({"prediction": "0", "answer": "0"}, None),  # zero counts as nothing found
        ({"answer_type": "float", "prediction": "7.0", "answer": 7}, True),
        ({"answer_type": "float", "prediction": "0.0", "answer": 0}, None),
        ({"answer_type": "float", "prediction": "nan", "answer": "nan"}, None),
        ({"answer_type": "list", "prediction": "[1, 2]", "answer": "[1, 2]"}, False),
        ({"answer_type": "text", "prediction": "yes", "answer": "None"}, True),
    ],
)
def test_mathvistas_check_before_the_judge(columns: dict[str, Any], hit: bool | None):
    assert mathvista(mathvista_row(**columns)).hit is hit


def test_mathvistas_choices_go_by_the_toolkits_letters():
    asked = {"question_type": "multi_choice", "choices": "['3/11', '8/11']", "answer_option": "B"}
    assert mathvista(mathvista_row(**asked, prediction="(B) 8/11")).hit is True
    assert mathvista(mathvista_row(**asked, prediction="A")).hit is False
    assert mathvista(mathvista_row(**asked, prediction="8/11")).hit is True
    assert mathvista(mathvista_row(**asked, prediction="hm")).hit is None


def test_mathvista_is_reached_by_the_answers_type():
    assert match("7", "7", "mathvista", answer_type="integer").hit is True
    assert match("7.0", "7", "mathvista", answer_type="integer").hit is None
    assert match("yes", "yes", "mathvista", answer_type="text").hit is False


@pytest.mark.parametrize(
    ("reply", "answer", "rule"),
    [
        (" X+Y ", "x+y", "text"),
        ("0.3333333", "1/3", "number"),
        ("(1+2)*-3", "-9.0000001", "number"),
        ("so \\boxed{12} or \\boxed{13}", "12", "text"),  # the first box
        (r"\sqrt{16}", "4", "formula"),
        (r"$\frac{3}{4}$", "0.75", "formula"),
    ],
)
def test_mathvision_takes_equal_texts_numbers_and_formulas(reply: str, answer: str, rule: str):
    assert match(reply, answer, "mathvision") == Match(True, rule)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("0.33333", "1/3"),  # more than a millionth apart
        ("The answer is 12", "12"),  # the judge's work
        (r"\boxed{\frac{1}{2}}", "0.5"),  # the box ends at its first brace
        ("[1, 2]", "(1, 2)"),
        ("1/0", "7"),
        ("9**9**9", "7"),
        ("True", "1"),
        ("", "7"),
    ],
)
def test_mathvision_leaves_the_rest_to_its_judge(reply: str, answer: str):
    assert match(reply, answer, "mathvision").hit is None


def test_arithmetic_runs_no_code():
    assert arithmetic("2*(3-1)/8") == 0.5
    for text in ("__import__('os')", "len('a')", "x", "1j", "'1'", "2**3", "1e400-1e400j", "(" * 150, ""):
        assert arithmetic(text) is None


@pytest.mark.parametrize(
    ("reply", "hit"),
    [
        ("It is crimson", True),
        ("A", True),
        ("B", False),
        ("Other answers", False),
        ("Cannot determine the answer", False),
        ("dark", None),
        ("crimson or other answers", None),
        ("It is crimson, as far as one can tell from a picture like this one", None),  # over twice as long
    ],
)
def test_vlmevalkit_makes_mmmus_open_questions_choices_of_two(reply: str, hit: bool | None):
    assert match(reply, "crimson", "mmmu-two-way").hit is hit


@pytest.mark.parametrize(
    ("reply", "answer", "rule"),
    [
        ("Crimson.", "crimson", "text"),
        ("The colour is dark crimson", "crimson", "text"),  # inside what follows "is "
        ("So the mass is 1,234 kg", "1234", "number"),
        ("x = 3.14159", "3.14", "number"),  # two decimals
        ("It comes to 2.5e3 in all", "2500", "number"),
        ("the ratio is .5", "0.5", "number"),
        ("either is fine: 24", "['24', '0.5']", "number"),
        ("the point is b here", "B", "text"),
        ("first is 3\nthen is 4", "3", "number"),  # every line may hold the answer
    ],
)
def test_mmmus_parser_finds_the_answer_somewhere_in_the_reply(reply: str, answer: str, rule: str):
    assert match(reply, answer, "lmms-eval-mmmu") == Match(True, rule)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("It is crimson. The reason is the light", "crimson"),  # only the last "is " of a line counts
        ("crimson\nthe reason is light", "crimson"),  # a line without such a word is not looked at
        ("a = 3\nthe end is near", "3"),  # "=" counts in the last line only
        ("it is bc", "d"),
        ("", "7"),
    ],
)
def test_what_mmmus_parser_does_not_find_is_unresolved_and_never_drawn(reply: str, answer: str):
    assert match(reply, answer, "lmms-eval-mmmu").hit is None


@pytest.mark.parametrize(
    ("reply", "answer", "hit"),
    [
        ("<answer>crimson</answer>", "crimson", True),
        ("<answer>crimson red.</answer>", "crimson red", True),
        ("<answer>123456789 m</answer>", "123456789 m!", True),  # 11 of 12 characters
        ("<answer>12345678</answer>", "1234567890", None),  # 8 of 10
        ("<answer>0.50</answer>", "1/2", True),
        (r"\boxed{\frac{1}{2}}", "0.5", True),
        ("It is 12.", "12", True),
        ("It is crimson", "crimson", None),
        (r"\boxed{B}", "B", True),
        (r"\boxed{B}", "C", False),
    ],
)
def test_lmms_reasoning_matches_nine_tenths_or_the_value(reply: str, answer: str, hit: bool | None):
    assert match(reply, answer, "lmms-eval-reasoning").hit is hit


@pytest.mark.parametrize(
    ("reader", "benchmark", "named"),
    [
        ("vlmevalkit-exact", "mmmu", "mmmu-two-way"),
        ("vlmevalkit-exact", "mathvision", "mathvision"),
        ("vlmevalkit-exact", "mathvista", "mathvista"),
        ("lmms-eval", "mmmu", "lmms-eval-mmmu"),
    ],
)
def test_a_toolkit_compares_by_benchmark(reader: str, benchmark: str, named: str):
    for reply in ("7", "It is 7", "8", "Other Answers", "hm"):
        one = match(reply, "7", reader, benchmark=benchmark, answer_type="integer")
        assert one == match(reply, "7", named, answer_type="integer")


def test_toolkits_leave_to_judges_what_they_have_no_rule_for():
    assert match("7", "7", "vlmevalkit-exact", benchmark="mathverse").hit is None
    assert match("7", "7", "lmms-eval", benchmark="mathvista").hit is None
    assert match("7", "7", "lmms-eval").hit is None


def test_lmms_eval_wants_realworldqas_words_exactly():
    assert match("Stop.", "stop", "lmms-eval", benchmark="realworldqa").hit is True
    assert match("The stop", "stop", "lmms-eval", benchmark="realworldqa").hit is False


@settings(max_examples=60)
@given(reply=st.text(max_size=40), answer=st.text(max_size=20) | st.sampled_from(["7", "12 cm", "yes"]))
def test_no_text_makes_it_fail(reply: str, answer: str):
    for reader in READERS:
        found = match(reply, answer, reader)
        assert (found.hit is None) == (found.rule == "unresolved")
