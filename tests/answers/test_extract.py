"""Every reply of the published edge-case table, under every reader; properties that hold for any text."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.answers.extract import READERS, extract
from vzero.answers.extraction import lettered
from vzero.config.evaluate import ReaderName

FABRICS = {"A": "rubber", "B": "cotton", "C": "kevlar", "D": "leather"}
COLUMNS = (
    "vlmevalkit-exact",
    "mme-realworld",
    "lmms-eval-vstar",
    "lmms-eval-mcq",
    "lmms-eval-terse",
    "lmms-eval-mmmu",
    "zoombench",
)
# A reply, and the letter that each of COLUMNS reads in it; "-" is no letter.
EDGE_CASES = [
    ("B", "BBBBBBB"),
    ("B.", "BBBBBBB"),
    ("(B)", "BBBBBBB"),
    ("B. cotton", "BBBBBBB"),
    ("B cotton", "BBBBBBB"),
    ("B - cotton", "BBBBBBB"),
    ("B)", "BBBBB-B"),
    ("B\n", "BBBBB-B"),
    ("B: cotton", "BBBBB-B"),
    ("[B]", "BBBB--B"),
    ("**B**", "BBBB--B"),
    ("b", "-BB-B--"),
    ("(b)", "-BB-B--"),
    ("answer: b", "--A-A--"),
    ('"B"', "-BBB--B"),
    ("`B`", "-BBB--B"),
    ("B?", "-BBBBBB"),
    ("B is the correct choice because the object that the question asks about is clearly visible", "-BBBBBB"),
    ("B。", "-BBBB-B"),
    ("B</s>", "-BBBB-B"),
    ("B<|im_end|>", "-BBBB-B"),
    ("cotton", "B-C-C--"),
    ("It is cotton.", "B-C-I-I"),
    ("Answer: B", "BAABABA"),
    ("Answer: B.", "BAABABB"),
    ("The answer is B.", "BBBBTBB"),
    ("The answer is: B", "BBBBTBT"),
    ("My answer is b", "B-B-M-M"),
    ("\\boxed{B}", "BB-B--B"),
    ("\\boxed{\\text{B}}", "BB-B--B"),
    ("<answer>B</answer>", "-B-B--B"),
    ("<answer> B </answer>", "BBBB-BB"),
    ("<answer>B. cotton</answer>", "BBBB-BB"),
    ("答案是 B 。", "BBBB-BB"),
    ("<answer>B", "-B-B-B-"),
    ("The correct answer is **C**. Here's why: option D says leather, which is not visible.", "CCDDTDD"),
    ("The answer is A. Wait, looking again, the answer is D.", "AAADTDA"),
    ("It cannot be C. The correct choice is A.", "-CAAIAC"),
    ("Both B and C", "-BBCBCB"),
    ("BC", "-BBCBCB"),
    ("B/C", "-BBBBCB"),
    ("B, A", "-BBBBAB"),
    ("A\nB", "-AAAABA"),
    ("A man is standing near the door.", "-AAAAAA"),
    ("side A of the building", "AAAASAA"),
    ("答案是B", "-BBB-BB"),
    ("Cannot determine the answer", "ZCCCC-C"),
    ("Z", "Z---Z-Z"),
    ("", "-A-----"),
    ("nan", "--A-N--"),
    ("<think>Option A is wrong.</think>\nB", "-AAB-AA"),
    ("<think>Option A is wrong because of the shape of the glove.</think>\n\n<answer>B</answer>", "-BAA-AB"),
]


@pytest.mark.parametrize(("reply", "letters"), EDGE_CASES)
def test_every_reply_of_the_edge_case_table(reply: str, letters: str):
    read = "".join(extract(reply, FABRICS, reader).letter or "-" for reader in COLUMNS)
    assert dict(zip(COLUMNS, read, strict=True)) == dict(zip(COLUMNS, letters, strict=True))


@pytest.mark.parametrize("reply", ["В", "В."])  # Cyrillic
def test_a_cyrillic_letter_is_no_letter(reply: str):
    assert {extract(reply, FABRICS, reader).letter for reader in READERS} == {None}


def test_full_width_and_invisible_signs_stop_the_toolkits_but_not_a_careful_reader():
    for reply in ("\uff22", "\ufeffB", "\u200bB"):
        assert extract(reply, FABRICS).letter is None
        assert extract(reply, FABRICS, "vzero").letter == "B"


def test_what_is_not_text_is_read_as_python_prints_it():
    assert extract(None, FABRICS) == extract("None", FABRICS)
    assert extract(math.nan, {"A": "nan", "B": "no"}).letter == "A"
    assert extract(7, {"A": 7.0, "B": 70}).letter is None
    assert extract("7.0", {"A": 7.0, "B": 80}).letter == "A"


def test_an_unknown_policy_is_an_error_that_names_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown reader 'gpt': allowed: vlmevalkit-exact"):
        extract("B", FABRICS, reader="gpt")


def test_every_policy_can_be_configured():
    assert get_args(ReaderName) == tuple(READERS)


@pytest.mark.parametrize(
    ("benchmark", "reader"),
    [
        ("V*", "lmms-eval-vstar"),
        ("vstar_bench", "lmms-eval-vstar"),
        ("HRBench4K", "lmms-eval-hrbench"),
        ("HR-Bench 8K", "lmms-eval-hrbench"),
        ("CV-Bench-2D", "lmms-eval-terse"),
        ("BLINK", "lmms-eval-terse"),
        ("MMMU_DEV_VAL", "lmms-eval-mmmu"),
        ("MMStar", "lmms-eval-mcq"),
        ("RealWorldQA", "lmms-eval-mcq"),
        ("search", "lmms-eval-mcq"),
        (None, "lmms-eval-mcq"),
    ],
)
def test_lmms_eval_reads_a_benchmark_with_its_extractor(benchmark: str | None, reader: str):
    for reply, _ in EDGE_CASES:
        assert extract(reply, FABRICS, "lmms-eval", benchmark=benchmark) == extract(reply, FABRICS, reader)


def test_thinking_is_taken_out_before_the_benchmarks_extractor_reads():
    thought = "<think>Option A is wrong.</think>\nB"
    assert extract(thought, FABRICS, "lmms-eval", benchmark="vstar").letter == "A"
    assert extract(thought, FABRICS, "lmms-eval-stripped", benchmark="vstar").letter == "B"
    # The extractors differ: HR-Bench's knows no letter at the start of a word.
    assert extract("<think>?</think>black", FABRICS, "lmms-eval-stripped", benchmark="vstar").letter == "B"
    assert extract("<think>?</think>black", FABRICS, "lmms-eval-stripped", benchmark="hrbench").letter is None


def test_letters_end_at_z():
    assert lettered(["x", "y"]) == {"A": "x", "B": "y"}
    assert lettered(["x", None, "z"]) == {"A": "x", "C": "z"}
    with pytest.raises(ValueError, match="27 options"):
        lettered(["x"] * 27)


PIECES = st.sampled_from(
    [
        *"ABCDEZabcdz",
        *" .,:;!?()[]{}<>*`'\"\\/\n",
        *("answer", " is ", "The ", "<answer>", "</answer>", "</think>", "<think>", "\\boxed{"),
        *("cotton", "option ", "not ", "or", "答案是", "İ", "ß", "ı", "\u212a"),
    ]
)
REPLIES = st.text() | st.lists(PIECES).map("".join)


@pytest.mark.parametrize("reader", READERS)
@given(reply=REPLIES, options=st.lists(st.text(min_size=1) | PIECES, min_size=1, max_size=6))
def test_a_policy_reads_one_letter_or_nothing_and_leaves_the_choices_alone(
    reader: str, reply: str, options: list[str]
):
    choices = lettered(options)
    before = dict(choices)
    found = extract(reply, choices, reader)
    assert choices == before
    assert (found.rule in ("unresolved", "<RANDOM>")) == (found.letter is None)
    if reader in ("vlmevalkit-exact", "lmms-eval-hrbench"):
        assert found.letter in {*choices, "Z", None}
    elif reader.endswith(("realworld", "-reasoning", "-vstar", "-terse", "zoombench")):
        assert found.letter is None or len(found.letter) == 1  # also letters that were not offered
    else:
        assert found.letter in {*choices, None}


@given(letter=st.sampled_from("ABCD"), glyph=st.sampled_from("EFHKLMPRSTXZ"))
def test_the_embedded_worlds_replies_are_read(letter: str, glyph: str):
    asked = {k: k.lower() for k in "ABCD"}
    assert extract(f"It is {glyph}. Answer: {letter}", asked).letter == letter
    assert extract(f"It is {glyph}. Answer: {letter}", lettered("PKXT"), "vzero").letter == letter
