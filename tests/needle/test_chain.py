"""The chain world: names and letters as its questions need them, answers worked out again from the scene."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vzero.needle.architecture import image_processor
from vzero.needle.chain.lessons import CROP_WORDS, draw_chain_lesson, faded, shown
from vzero.needle.chain.questions import COARSE_FAMILIES, REGION_FAMILIES, findings
from vzero.needle.chain.scenes import LOOKS, OFF_GRID, SHOWN_SIDE, TOKEN, draw_chain_scene
from vzero.needle.lessons import View
from vzero.needle.questions import Question
from vzero.needle.scenes import FONTS, Scene, render

seeds = st.integers(0, 100_000)
NAME = r"(\w+ \w+)"


def scene_of(seed: int) -> Scene:
    return draw_chain_scene(np.random.default_rng(seed))


def asked(seed: int, family: str) -> tuple[Scene, Question]:
    """A question of a family about the first scenes of a seed that allow one."""
    rng = np.random.default_rng(seed)
    question = None
    while question is None:
        scene = draw_chain_scene(rng)
        question = (REGION_FAMILIES | COARSE_FAMILIES)[family](rng, scene)
    return scene, question


@given(seeds)
def test_objects_have_names_of_their_own_and_stand_apart_off_the_grid(seed):
    scene = scene_of(seed)
    assert len({item.name for item in scene.objects}) == len(scene.objects) in (4, 5)
    assert scene.salient is None
    for item in scene.objects:
        x1, y1, x2, y2 = item.box
        assert min(x1, y1) >= 0
        assert max(x2, y2) <= scene.side
        assert max(abs(item.x % TOKEN - TOKEN / 2), abs(item.y % TOKEN - TOKEN / 2)) <= OFF_GRID
    for index, a in enumerate(scene.objects):
        for b in scene.objects[index + 1 :]:
            assert max(abs(a.x - b.x), abs(a.y - b.y)) >= a.radius + b.radius


def test_colours_and_letters_repeat_within_scenes():
    """Else neither shapes nor the order of letters would matter."""
    scenes = [scene_of(seed) for seed in range(200)]
    assert all(len({item.colour for item in scene.objects}) < len(scene.objects) for scene in scenes)
    assert sum(len({item.letter for item in scene.objects}) < len(scene.objects) for scene in scenes) > 100


def test_looks_share_neither_a_font_nor_a_ground():
    learnt, unseen = LOOKS["learnt"], LOOKS["unseen"]
    assert not set(learnt.fonts) & set(unseen.fonts)
    assert not set(learnt.grounds) & set(unseen.grounds)


@given(seeds)
def test_an_unseen_look_changes_pixels_and_nothing_that_is_true(seed):
    learnt, unseen = (
        draw_chain_scene(np.random.default_rng(seed), appearance=look) for look in ("learnt", "unseen")
    )
    assert learnt.objects == unseen.objects
    assert not np.array_equal(render(learnt), render(unseen))


@settings(max_examples=10)
@given(seeds)
def test_no_two_fonts_draw_letters_alike(seed):
    """Several of OpenCV's names of fonts stand for one: an unseen font could be one that was seen."""
    scene = scene_of(seed)
    drawn = {render(Scene(scene.side, "black", scene.objects, font)).tobytes() for font in FONTS}
    assert len(drawn) == len(FONTS)


@pytest.mark.parametrize("family", [*REGION_FAMILIES, *COARSE_FAMILIES])
@given(seed=seeds)
def test_options_differ_and_hold_the_truth(family, seed):
    _, question = asked(seed, family)
    assert len(set(question.options)) == len(question.options) == 4
    assert question.options.count(question.truth) == 1
    assert bool(question.named) == (family in REGION_FAMILIES)
    assert question.lured is None


def symmetrical(question: Question) -> bool:
    """Whether at every place two options say one letter and two another: who sees nothing can but guess."""
    places = zip(*(option.split() for option in question.options), strict=True)
    return all(sorted(letters.count(letter) for letter in set(letters)) == [2, 2] for letters in places)


def named(scene: Scene, name: str):
    (found,) = [item for item in scene.objects if item.name == name]
    return found


@given(seeds)
def test_the_letter_is_that_of_the_object_named(seed):
    scene, question = asked(seed, "letter")
    name = re.fullmatch(rf"What letter is on the {NAME}\?", question.text)[1]
    assert question.truth == named(scene, name).letter
    assert findings(question) == f"{name} {question.truth}. "


@given(seeds)
def test_a_pair_keeps_the_order_of_the_question(seed):
    scene, question = asked(seed, "pair")
    names = re.fullmatch(rf"What letters are on the {NAME} and the {NAME}\?", question.text).groups()
    first, second = (named(scene, name).letter for name in names)
    assert question.truth == f"{first} {second}"
    assert symmetrical(question)
    assert findings(question) == f"{names[0]} {first}, {names[1]} {second}. "


@given(seeds)
def test_the_nearest_object_is_clearly_the_nearest(seed):
    scene, question = asked(seed, "nearest")
    anchor = named(scene, re.fullmatch(rf"What letter is nearest to the {NAME}\?", question.text)[1])
    others = [item for item in scene.objects if item is not anchor]
    nearest, second, *_ = sorted(others, key=lambda item: math.dist((item.x, item.y), (anchor.x, anchor.y)))
    assert question.truth == nearest.letter
    assert question.named == (anchor, nearest)
    gap = math.dist((second.x, second.y), (anchor.x, anchor.y)) - math.dist(
        (nearest.x, nearest.y), (anchor.x, anchor.y)
    )
    assert gap >= 16
    assert findings(question) == f"{anchor.name}, nearest {nearest.name} {nearest.letter}. "


@given(seeds)
def test_three_places_are_told_in_order(seed):
    scene, question = asked(seed, "triple")
    names = re.fullmatch(
        rf"What letters are on the {NAME}, the {NAME} and the {NAME}\?", question.text
    ).groups()
    letters = [named(scene, name).letter for name in names]
    assert question.truth == " ".join(letters)
    assert symmetrical(question)
    said = [f"{name} {letter}" for name, letter in zip(names, letters, strict=True)]
    assert findings(question) == ", ".join(said) + ". "


@given(seeds)
def test_shapes_are_counted_over_the_whole_scene(seed):
    scene, question = asked(seed, "shapes")
    shape = re.fullmatch(r"How many are of shape (\w+)\?", question.text)[1]
    assert question.truth == str(sum(item.shape == shape for item in scene.objects))


def change(view: View, other: View) -> int:
    return int(np.abs(view.pixels.astype(int) - other.pixels).max())


def looks_faded(view: View) -> bool:
    """What has no detail loses next to nothing when it is faded again."""
    return change(view, faded(view)) < 100


def test_lessons_tell_the_truth_and_mention_the_crop_where_it_shows_what_is_asked():
    rng = np.random.default_rng(0)
    lessons = [draw_chain_lesson(rng, "chain teacher", turns=4) for _ in range(150)]
    said = [(lesson, turn) for lesson in lessons for turn in lesson.turns]
    assert all(turn.reply.endswith(f"Answer: {turn.question.answer}") for _, turn in said)
    mentions = [turn.reply.startswith(CROP_WORDS) for _, turn in said]
    shown = [len(lesson.views) == 2 and lesson.views[1].shows(turn.question) for lesson, turn in said]
    assert not any(mention and not close for mention, close in zip(mentions, shown, strict=True))
    assert 0.35 < np.mean([mention for mention, close in zip(mentions, shown, strict=True) if close]) < 0.65
    close_up = [lesson for lesson in lessons if len(lesson.views) == 2 and looks_faded(lesson.views[0])]
    assert 0.75 < len(close_up) / len(lessons) < 0.95
    assert all(lesson.views[1].shows(turn.question) for lesson in close_up for turn in lesson.turns)
    students = [draw_chain_lesson(rng, "chain student", turns=2) for _ in range(30)]
    assert all(len(lesson.views) == 1 for lesson in students)


def test_a_faded_view_tells_where_an_object_is_and_not_its_letter():
    changes = []
    for seed in range(30):
        scene = scene_of(seed)
        first, *rest = scene.objects
        other_letter = replace(first, letter="X" if first.letter != "X" else "T")
        view, relettered, without = (
            shown(View(render(replace(scene, objects=objects)), objects))
            for objects in (scene.objects, (other_letter, *rest), tuple(rest))
        )
        assert faded(view).pixels.shape == view.pixels.shape and faded(view).objects == view.objects
        letter, object_itself = (change(faded(view), faded(one)) for one in (relettered, without))
        changes.append((change(view, relettered), letter, object_itself))
    letter_before, letter, object_itself = np.mean(changes, axis=0)
    assert letter < letter_before / 3
    assert object_itself > 2 * letter


@given(seeds)
def test_lessons_show_what_the_models_processor_leaves_of_a_picture(seed):
    """The same values, though scaled before they are handed to it; objects where they are then."""
    rng = np.random.default_rng(seed)
    scene = draw_chain_scene(rng)
    width, height = (int(side) for side in rng.integers(20, 225, size=2))
    pixels = render(scene)[:height, :width]
    view = shown(View(pixels, scene.objects))
    processor = image_processor(SHOWN_SIDE)
    settings = {"input_data_format": "channels_last", "return_tensors": "np"}
    whole, scaled = (processor(images=[picture], **settings) for picture in (pixels, view.pixels))
    assert np.array_equal(whole["image_grid_thw"], scaled["image_grid_thw"])
    assert np.array_equal(whole["pixel_values"], scaled["pixel_values"])
    assert view.objects[0].x / view.pixels.shape[1] == pytest.approx(scene.objects[0].x / width)
