"""What a model is told in the two roles of self-play."""

from __future__ import annotations

import numpy as np

from vzero.imaging import encode_png
from vzero.prompts.roles import ASK, FAST, TAGS, fast_view, questioner_view
from vzero.prompts.views import CHOOSE, FULL, Picture, full_view

PICTURE = Picture.of(encode_png(np.zeros((32, 48, 3), np.uint8)))


def test_a_questioner_sees_the_picture_and_then_reads_what_to_write():
    view = questioner_view(PICTURE, row="scene-1")
    assert (view.role, view.row, view.shown) == (FULL, "scene-1", (PICTURE,))
    assert view.words.text == f"<image 1>{ASK}"


def test_the_request_names_every_tag_once_and_in_order():
    places = [ASK.index(tag) for tag in TAGS]
    assert places == sorted(places)
    assert all(ASK.count(tag) == 1 for tag in TAGS)


def test_a_fast_answer_is_asked_for_as_a_slow_one_but_for_how():
    asked = ("What letter is on the red circle?", ["L", "T", "X", "Z"], [PICTURE])
    fast, slow = fast_view(*asked, row="q"), full_view(*asked, row="q")
    assert fast.words.text == (
        "<image 1>What letter is on the red circle?\nA. L\nB. T\nC. X\nD. Z\nAnswer with the option letter."
    )
    assert slow.words.text == fast.words.text.replace(FAST, CHOOSE)
    assert (fast.role, fast.pictures, fast.row) == (slow.role, slow.pictures, slow.row)
