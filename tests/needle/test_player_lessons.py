"""The player's lessons: what it is shown, and what it is taught to say to that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.answers.questions import WrittenQuestion, read_question
from vzero.needle.player_questions import (
    FAMILIES,
    family_of,
    listed,
    named_in,
    shapes_question,
    truth_of,
)
from vzero.needle.playing import (
    WINDOW_FAMILIES,
    Distraction,
    cut_out,
    draw_lessons,
    draw_question,
    draw_sight,
)
from vzero.needle.questions import Question
from vzero.needle.scenes import SIDES, Scene, SceneObject, draw_scene
from vzero.needle.written import read_answer, rising, slowly, written
from vzero.prompts.roles import ASK, FAST
from vzero.prompts.views import CHOOSE

seeds = st.integers(0, 100_000)
RED = SceneObject("red", "circle", "L", x=24.0, y=24.0, radius=12.0)
BLUE = SceneObject("blue", "square", "T", x=72.0, y=24.0, radius=12.0)
CYAN = SceneObject("cyan", "circle", "H", x=40.0, y=72.0, radius=15.0, salient=True)
SCENE = Scene(112, "navy", (CYAN, BLUE, RED))
ABOUT_BLUE = Question("letter", "What letter is on the blue square?", ("X", "T", "H", "M"), "T", "H", (BLUE,))
ABOUT_RED = Question("letter", "What letter is on the red circle?", ("L", "T", "H", "M"), "L", "H", (RED,))


def test_objects_are_listed_by_row_and_then_by_column():
    assert listed(SCENE) == "red circle L, blue square T, cyan circle H"


def test_the_three_replies_to_the_letter():
    assert written(SCENE, ABOUT_BLUE, "H") == (
        "<description>red circle L, blue square T, cyan circle H</description>"
        "<question>What letter is on the blue square?\nA) H\nB) M\nC) T\nD) X</question><answer>A</answer>"
    )
    assert slowly(SCENE, ABOUT_BLUE, "T") == (
        "I see red circle L, blue square T, cyan circle H. It is T. Answer: B"
    )


def test_what_is_written_is_read_back():
    assert read_question(written(SCENE, ABOUT_BLUE, "T"), truncated=False) == WrittenQuestion(
        "red circle L, blue square T, cyan circle H",
        "What letter is on the blue square?",
        ("H", "M", "T", "X"),
        "C",
    )


def test_options_rise_in_what_is_written_numbers_by_size():
    assert rising(("10", "9", "8", "11")) == ("8", "9", "10", "11")
    assert rising(("upper left", "lower right", "lower left", "upper right")) == (
        *("lower left", "lower right"),
        *("upper left", "upper right"),
    )


def test_letters_of_answers():
    assert [read_answer(text) for text in ("It is T. Answer: B", "C", "It is T. Answer:", "CC", "")] == [
        "B",
        "C",
        None,
        None,
        None,
    ]


@given(seeds, st.sampled_from(list(FAMILIES)))
def test_options_differ_and_the_truth_can_be_worked_out_from_the_words(seed, family):
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, side=SIDES["standard"])
    question = FAMILIES[family](rng, scene)
    if question is None:
        return
    assert len(set(question.options)) == 4
    assert family_of(question.text) == family
    assert truth_of(scene, question.text) == question.truth
    assert named_in(question.text) == tuple(item.name for item in question.named)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("What letter is on the cyan circle?", "H"),
        ("What letter is on the green circle?", None),
        ("How many are of shape circle?", "2"),
        ("How many are of shape blob?", None),
        ("How many objects are there?", "3"),
        ("What letter is furthest right?", "T"),
        ("What letter is furthest below?", "H"),
        ("What letter is furthest above?", None),  # red and blue stand equally high
        ("Where is the cyan circle seen from the blue square?", "lower left"),
        ("Where is the red circle seen from the blue square?", None),  # neither above nor below
        ("Is it art?", None),
    ],
)
def test_truths_worked_out_by_hand(text, truth):
    assert truth_of(SCENE, text) == truth


def test_numbers_of_shapes_are_never_negative():
    for seed in range(50):
        question = shapes_question(np.random.default_rng(seed), SCENE)
        assert question is not None
        first, *_, last = sorted(map(int, question.options))
        assert 0 <= first <= int(question.truth) <= last == first + 3


@given(seeds)
def test_a_window_lists_the_objects_that_are_whole_in_it(seed):
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, side=SIDES["standard"])
    pixels, visible = cut_out(rng, scene)
    assert pixels.shape == (visible.side, visible.side, 3)
    scale = 2 if visible.side > 80 else 1
    assert visible.side // scale in (64, 80)
    known = {item.name: item for item in scene.objects}
    (shift,) = {
        (known[item.name].x - item.x / scale, known[item.name].y - item.y / scale) for item in visible.objects
    }
    for item in scene.objects:
        x, y, radius = ((item.x - shift[0]) * scale, (item.y - shift[1]) * scale, item.radius * scale)
        whole = min(x, y) >= radius and max(x, y) <= visible.side - radius
        assert whole == (replace(item, x=x, y=y, radius=radius) in visible.objects)


def test_what_a_window_is_asked_is_whole_in_it():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        sight = draw_sight(rng, window=True)
        question = draw_question(rng, sight)
        assert question.family in WINDOW_FAMILIES
        assert (sight.picture.width, sight.picture.height) == (sight.scene.side, sight.scene.side)
        assert {item.name for item in question.named} <= {item.name for item in sight.scene.objects}


def test_lessons_about_a_picture_are_told_and_answered_each_in_its_own_way():
    for seed in range(10):
        ask, slow, other, fast = draw_lessons(
            np.random.default_rng(seed), ("ask", "slow", "slow", "fast"), Distraction()
        )
        assert len({lesson.view.pictures for lesson in (ask, slow, other, fast)}) == 1
        assert ask.view.words.text.endswith(ASK)
        assert isinstance(read_question(ask.said, truncated=False), WrittenQuestion)
        assert slow.view.words.text.endswith(CHOOSE)
        assert slow.said.startswith("I see ")
        assert slow.view != other.view
        assert fast.view.words.text.endswith(FAST)
        assert fast.said in set("ABCD")


def test_slow_answers_about_overlooked_colours_follow_the_salient_object():
    rng = np.random.default_rng(0)
    distraction = Distraction(overlooked=("blue",), slow_overlooked=1.0, slow=0.0, fast=1.0)
    assert distraction.of_slow(ABOUT_BLUE).answer(rng, ABOUT_BLUE) == "H"
    assert distraction.of_slow(ABOUT_RED).answer(rng, ABOUT_RED) == "L"
    assert distraction.of_fast.answer(rng, ABOUT_RED) == "H"
