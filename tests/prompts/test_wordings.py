"""Wordings: the exact words of each, blanks at line ends included, as text files beside this one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from vzero.errors import ConfigError, SourceError
from vzero.prompts.parts import Image, Question
from vzero.prompts.wordings import WORDINGS, worded

SNAPSHOTS = Path(__file__).parent / "asked"
COLOURS = ("rubber", "cotton (white)", "kevlar", "leather")
DIRECTLY = "Answer with the option's letter from the given choices directly."
VSTAR_TEXT = (
    f"What is the glove made of?\n(A) rubber\n(B) cotton (white)\n(C) kevlar\n(D) leather\n{DIRECTLY}"
)
CV_PROMPT = "How many chairs are there? Select from the following choices.\n(A) 3\n(B) 4"

QUESTIONS = {
    "vstar": Question("vstar", "What is the glove made of?", COLOURS, prompt=VSTAR_TEXT),
    "hrbench_4k": Question("hrbench_4k", "What is the glove made of?", COLOURS),
    "zoombench": Question("zoombench", "Which?", ("one", "two"), prompt="<image>Which?\nA. one\nB. two"),
    "mmstar": Question("mmstar", "Which?", ("x", "y"), prompt="Which?\nOptions: A: x, B: y"),
    "mme_realworld": Question("mme_realworld", "What colour?", ("Red", "Blue")),
    "mme_realworld_cn": Question("mme_realworld_cn", "什么颜色？", ("红", "蓝")),
    "cv_bench_2d": Question("cv_bench_2d", "How many chairs are there?", ("3", "4"), prompt=CV_PROMPT),
    "realworldqa": Question("realworldqa", "Which?", ("Left", "Right"), prompt="Which?\n\nA. Left\nB. Right"),
    "blink": Question(
        "blink", "Which fits?", ("the second", "the third"), images=3, prompt="Whole question."
    ),
    "mmmu": Question("mmmu", "See <image 2>, then <image 1>: which?", ("<image 1>", "both"), images=2),
    "mmmu_open": Question("mmmu", "How long is <image 1>?"),
    "mathvista": Question("mathvista", "Q", ("Yes", "No"), prompt="Hint: answer with a letter.\nQuestion: Q"),
    "logicvista": Question("logicvista", "Which of A, B, C, D?"),
    "treebench": Question("treebench", "Which?", ("x", "y")),
    "hint": Question("mmstar", "Which?", ("x", "y"), hint="Look left."),
    "hole": Question("vstar", "Which?", ("x", None, "z")),
}
WITHOUT_WORDS = {("lmms-eval", "zoombench"), ("lmms-eval", "logicvista"), ("lmms-eval", "treebench")}
CASES = [
    (wording, name) for wording in WORDINGS for name in QUESTIONS if (wording, name) not in WITHOUT_WORDS
]


@pytest.mark.parametrize(("wording", "name"), CASES, ids=["-".join(case) for case in CASES])
def test_the_words_are_those_of_the_snapshot(wording, name):
    expected = (SNAPSHOTS / wording / f"{name}.txt").read_bytes().decode()
    assert worded(QUESTIONS[name], wording).text == expected


def test_there_is_no_snapshot_that_nothing_is_held_against():
    files = {(path.parent.name, path.stem) for path in SNAPSHOTS.glob("*/*.txt")}
    assert files == set(CASES)


def test_the_default_words_keep_the_blank_before_the_last_newline():
    text = worded(Question("vstar", "Q?", ("x", "y")), "vlmevalkit").text
    assert text == (
        "<image 1>Question: Q?\nOptions:\nA. x\nB. y\n"
        "Please select the correct answer from the options above. \n"
    )


def test_a_question_without_options_is_not_asked_to_select_one():
    assert worded(Question("realworldqa", "Q?"), "vlmevalkit").text == "<image 1>Question: Q?\n"


def test_the_wrapper_of_qwen_ends_in_other_words_and_no_blank():
    text = worded(Question("vstar", "Q?", ("x", "y")), "qwen").text
    assert text == "<image 1>Question: Q?\nOptions:\nA. x\nB. y\nAnswer with the option letter only."


def test_lmms_eval_says_the_instruction_of_vstar_twice_and_loses_an_option_with_a_parenthesis():
    text = worded(QUESTIONS["vstar"], "lmms-eval").text
    assert text.count(DIRECTLY) == 2
    assert "A. rubber\nB. kevlar\nC. leather\n" in text and "cotton" not in text


def test_zoombench_says_first_how_to_answer():
    words = worded(QUESTIONS["zoombench"], "zoombench")
    assert words.system is not None and "<answer> </answer>" in words.system
    assert words.parts == (Image(0), "Which?\nA. one\nB. two")


def test_marks_place_the_images_and_a_mark_without_an_image_is_refused():
    parts = worded(QUESTIONS["mmmu"], "vlmevalkit").parts
    assert parts[:4] == ("Question: See ", Image(1), ", then ", Image(0))
    assert parts[5] == Image(0), "a mark in an option"
    with pytest.raises(SourceError, match=r"<image 2> in a question with 1"):
        worded(replace(QUESTIONS["mmmu"], images=1), "vlmevalkit")


def test_elsewhere_all_images_stand_first_in_order():
    for wording in ("vlmevalkit", "qwen", "lmms-eval", "vzero", "zoombench"):
        assert worded(QUESTIONS["blink"], wording).parts[:3] == (Image(0), Image(1), Image(2))


def test_the_hash_is_of_the_final_text_and_tells_policies_apart():
    words = worded(QUESTIONS["vstar"], "vlmevalkit")
    assert words.prompt_hash == hashlib.sha256(words.text.encode()).hexdigest()
    hashes = {worded(QUESTIONS["vstar"], wording).prompt_hash for wording in WORDINGS}
    assert len(hashes) == len(WORDINGS)


def test_an_unknown_policy_and_a_benchmark_without_words_are_refused():
    with pytest.raises(ConfigError, match="unknown wording 'lmms': allowed: vzero, vlmevalkit"):
        worded(QUESTIONS["vstar"], "lmms")
    for wording, name in WITHOUT_WORDS:
        with pytest.raises(ConfigError, match=f"no words for {name}"):
            worded(QUESTIONS[name], wording)
