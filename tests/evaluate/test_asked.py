"""Questions in words and pictures, as they are put to a model."""

from __future__ import annotations

from typing import Any

import pytest

from vzero.evaluate.asked import Asked, asked_of
from vzero.prompts.parts import Image, Question
from vzero.prompts.views import CROP_NOTICE, own_words

WORDS = own_words(Question("", "Which colour?", ("red", "blue"), images=0)).text


def row(view: str, *pictures: str, **changed: Any) -> dict[str, Any]:
    shown = [
        {
            "role": "crop" if name == "crop" else "image",
            "sha256": name,
            "width": 30 + number,
            "height": 20,
        }
        for number, name in enumerate(pictures)
    ]
    return {
        "benchmark": "vstar",
        "item": "7",
        "view": view,
        "question": "Which colour?",
        "options": ["red", "blue"],
        "prompt": None,
        "hint": None,
        "shown": shown,
    } | changed


def only(asked: list[Asked]) -> Asked:
    [one] = asked
    return one


def names(asked: Asked) -> list[str]:
    """Pictures in the order in which the prompt shows them."""
    numbers = [part.number for part in asked.view.words.parts if isinstance(part, Image)]
    return [asked.view.pictures[number].name for number in numbers]


def test_one_image_and_the_questions_words():
    asked = only(asked_of(row("full", "scene"), "vzero", [0]))
    assert asked.view.words.parts == (Image(0), WORDS)
    assert names(asked) == ["scene"]
    assert (asked.view.pictures[0].width, asked.view.pictures[0].height) == (30, 20)


def test_the_crop_stands_after_the_first_image_and_is_announced():
    asked = only(asked_of(row("full+crop", "scene", "crop"), "vzero", [0]))
    words = f"{CROP_NOTICE}\n{WORDS}"
    assert asked.view.words.parts == (Image(0), Image(1), words)
    assert names(asked) == ["scene", "crop"]


def test_a_question_without_a_region_is_asked_as_it_is():
    asked = only(asked_of(row("full+crop", "scene"), "vzero", [0]))
    assert asked.view.words == only(asked_of(row("full", "scene"), "vzero", [0])).view.words


def test_the_crop_stands_before_further_images():
    asked = only(asked_of(row("full+crop", "first", "crop", "second"), "vlmevalkit", [0]))
    assert names(asked) == ["first", "crop", "second"]
    assert str(asked.view.words.parts[-1]).startswith(CROP_NOTICE)


def test_images_between_the_words_keep_their_places():
    marked = row("full", "first", "second", benchmark="mmmu", question="<image 2> or <image 1>?")
    asked = only(asked_of(marked, "vlmevalkit", [0]))
    assert names(asked) == ["second", "first"]


def test_every_seed_asks_once_in_the_same_words():
    asked = asked_of(row("full", "scene"), "qwen", [4, 9])
    assert [once.seed for once in asked] == [4, 9]
    assert len({once.prompt_hash for once in asked}) == 1


@pytest.mark.parametrize("other", [("b", "a"), ("a",), ("a", "b", "c")])
def test_the_image_hash_covers_every_picture_in_order(other: tuple[str, ...]):
    one, two = (only(asked_of(row("full", *pictures), "vzero", [0])) for pictures in (("a", "b"), other))
    assert one.image_hash != two.image_hash
