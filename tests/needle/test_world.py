"""Scenes and questions: everything asked has one right answer that can be recomputed from the scene."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.needle.questions import COARSE_FAMILIES, OPTION_LETTERS, REGION_FAMILIES, Question
from vzero.needle.scenes import CELL, GROUNDS, SIDES, Scene, draw_scene, render

seeds = st.integers(0, 100_000)


def scene_of(seed: int, resolution: str = "standard") -> Scene:
    return draw_scene(np.random.default_rng(seed), side=SIDES[resolution])


@given(seeds, st.sampled_from(list(SIDES)))
def test_objects_are_apart_inside_and_told_apart_by_colour_and_letter(seed, resolution):
    scene = scene_of(seed, resolution)
    assert 3 <= len(scene.plain) <= 5
    assert len({item.colour for item in scene.objects}) == len(scene.objects)
    assert len({item.letter for item in scene.objects}) == len(scene.objects)
    boxes = [item.box for item in scene.objects]
    for x1, y1, x2, y2 in boxes:
        assert 0 <= x1 < x2 <= scene.side
        assert 0 <= y1 < y2 <= scene.side
    for index, a in enumerate(boxes):
        for b in boxes[index + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    for item in scene.objects:
        assert (item.x % CELL, item.y % CELL) == (CELL / 2, CELL / 2)


def test_pixels_are_a_function_of_the_seed():
    assert np.array_equal(render(scene_of(4)), render(scene_of(4)))
    picture = render(scene_of(4))
    assert picture.shape == (SIDES["standard"], SIDES["standard"], 3)
    assert picture.dtype == np.uint8


@given(seeds)
def test_what_stands_at_an_objects_place_is_drawn_there(seed):
    scene = scene_of(seed)
    picture = render(scene).astype(int)
    ground = np.array(GROUNDS[scene.ground])
    for item in scene.objects:
        x1, y1, x2, y2 = item.box
        differs = np.abs(picture[y1:y2, x1:x2] - ground).sum(axis=2) > 40
        assert differs.mean() > 0.3


@pytest.mark.parametrize("family", [*REGION_FAMILIES, *COARSE_FAMILIES])
@given(seed=seeds)
def test_options_hold_the_truth_once_and_the_answer_is_its_letter(family, seed):
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, side=SIDES["standard"])
    question = {**REGION_FAMILIES, **COARSE_FAMILIES}[family](rng, scene)
    if question is None:
        return
    assert len(question.options) == (2 if family == "side" else 4)
    assert len(set(question.options)) == len(question.options)
    assert question.options[OPTION_LETTERS.index(question.answer)] == question.truth == truth(scene, question)
    if question.lured is not None:
        assert question.lured in question.options
    assert bool(question.named) == (family in REGION_FAMILIES)
    assert not any(item.salient for item in question.named)


def truth(scene: Scene, question: Question) -> str:
    """The answer worked out again from the question's words."""
    names = {item.name: item for item in scene.objects}
    mentioned = [(question.text.index(name), item) for name, item in names.items() if name in question.text]
    if question.family == "letter":
        return mentioned[0][1].letter
    if question.family in ("side", "corner"):
        (_, target), (_, anchor) = sorted(mentioned, key=lambda pair: pair[0])
        across = "left" if target.x < anchor.x else "right"
        if question.family == "corner":
            return f"{'upper' if target.y < anchor.y else 'lower'} {across}"
        vertical = "above" if target.y < anchor.y else "below"
        return across if "left or right" in question.text else vertical
    if question.family == "count":
        return str(len(scene.objects))
    if question.family == "ground":
        return scene.ground
    return max(scene.objects, key=lambda item: item.radius).colour


@given(seeds)
def test_the_lure_is_the_salient_objects_answer(seed):
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, side=SIDES["standard"])
    question = REGION_FAMILIES["letter"](rng, scene)
    assert question is not None
    assert question.lured == (scene.salient.letter if scene.salient else None)
    assert question.lured != question.truth
